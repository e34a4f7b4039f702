"""The words of a warning, in each language: what to do first, where, how long, and in front of all
that whether it is meant.

Live wording has no word before it; everything else begins, and ends, with what it is. The texts
other than English were written for this project and not yet read by native speakers of them: a site
puts its own in [wording.LANGUAGE] of site.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from skywarden.alerts.alert import Alert
from skywarden.messages.picture import NO_STAGE

STEPS = ("pre-alert", "take-cover", "stay", "impacts-over", "all-clear", "corrected")

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "pre-alert": "Attention. Something was fired. Be ready to take cover.",
        "take-cover": "Take cover now.",
        "stay": "Stay in cover.",
        "impacts-over": "The impacts are over. Stay in cover until the all-clear.",
        "all-clear": "All clear. You may leave cover.",
        "corrected": "The warning before was wrong. There is no danger. You may leave cover.",
        "test": "Test of the warning system. This is only a test.",
        "exercise": "Exercise",
        "simulation": "Simulation",
        "seconds": "Impact in {seconds} seconds.",
    },
    "de": {
        "pre-alert": "Achtung. Es wurde etwas abgefeuert. Bereit sein, Deckung zu suchen.",
        "take-cover": "Sofort in Deckung.",
        "stay": "In Deckung bleiben.",
        "impacts-over": "Die Einschläge sind vorbei. Bis zur Entwarnung in Deckung bleiben.",
        "all-clear": "Entwarnung. Die Deckung darf verlassen werden.",
        "corrected": "Die Warnung war falsch. Es besteht keine Gefahr. Die Deckung darf verlassen werden.",
        "test": "Probe der Warnanlage. Dies ist nur eine Probe.",
        "exercise": "Übung",
        "simulation": "Simulation",
        "seconds": "Einschlag in {seconds} Sekunden.",
    },
    "fr": {
        "pre-alert": "Attention. Un tir a été détecté. Préparez-vous à vous mettre à l'abri.",
        "take-cover": "À l'abri immédiatement.",
        "stay": "Restez à l'abri.",
        "impacts-over": "Les impacts sont terminés. Restez à l'abri jusqu'à la fin d'alerte.",
        "all-clear": "Fin d'alerte. Vous pouvez quitter l'abri.",
        "corrected": "L'alerte était une erreur. Il n'y a pas de danger. Vous pouvez quitter l'abri.",
        "test": "Essai du système d'alerte. Ceci n'est qu'un essai.",
        "exercise": "Exercice",
        "simulation": "Simulation",
        "seconds": "Impact dans {seconds} secondes.",
    },
    "es": {
        "pre-alert": "Atención. Se ha detectado un disparo. Prepárese para ponerse a cubierto.",
        "take-cover": "Póngase a cubierto ahora.",
        "stay": "Permanezca a cubierto.",
        "impacts-over": "Los impactos han terminado. Permanezca a cubierto hasta el fin de la alerta.",
        "all-clear": "Fin de la alerta. Puede salir del refugio.",
        "corrected": "La alerta fue un error. No hay peligro. Puede salir del refugio.",
        "test": "Prueba del sistema de alerta. Esto es solo una prueba.",
        "exercise": "Ejercicio",
        "simulation": "Simulación",
        "seconds": "Impacto en {seconds} segundos.",
    },
    "uk": {
        "pre-alert": "Увага. Зафіксовано постріл. Будьте готові перейти в укриття.",
        "take-cover": "Негайно в укриття.",
        "stay": "Залишайтеся в укритті.",
        "impacts-over": "Влучання закінчилися. Залишайтеся в укритті до відбою.",
        "all-clear": "Відбій тривоги. Можна вийти з укриття.",
        "corrected": "Тривога була помилковою. Небезпеки немає. Можна вийти з укриття.",
        "test": "Перевірка системи оповіщення. Це лише перевірка.",
        "exercise": "Навчання",
        "simulation": "Симуляція",
        "seconds": "Влучання через {seconds} секунд.",
    },
    "ar": {
        "pre-alert": "انتباه. تم رصد إطلاق. استعدوا للاحتماء.",
        "take-cover": "احتموا الآن.",
        "stay": "ابقوا في الملجأ.",
        "impacts-over": "انتهى سقوط القذائف. ابقوا في الملجأ حتى إعلان انتهاء الخطر.",
        "all-clear": "انتهى الخطر. يمكنكم مغادرة الملجأ.",
        "corrected": "كان الإنذار خاطئاً. لا يوجد خطر. يمكنكم مغادرة الملجأ.",
        "test": "تجربة نظام الإنذار. هذه مجرد تجربة.",
        "exercise": "تمرين",
        "simulation": "محاكاة",
        "seconds": "السقوط خلال {seconds} ثانية.",
    },
    "fa": {
        "pre-alert": "توجه. شلیکی تشخیص داده شد. آماده پناه گرفتن باشید.",
        "take-cover": "فوراً پناه بگیرید.",
        "stay": "در پناهگاه بمانید.",
        "impacts-over": "اصابت‌ها تمام شد. تا اعلام رفع خطر در پناهگاه بمانید.",
        "all-clear": "رفع خطر. می‌توانید از پناهگاه خارج شوید.",
        "corrected": "هشدار اشتباه بود. خطری وجود ندارد. می‌توانید از پناهگاه خارج شوید.",
        "test": "آزمایش سامانه هشدار. این فقط یک آزمایش است.",
        "exercise": "تمرین",
        "simulation": "شبیه‌سازی",
        "seconds": "اصابت تا {seconds} ثانیه دیگر.",
    },
}
LANGUAGES = tuple(WORDS)
NOT_MEANT = ("exercise", "simulation")
Own = Mapping[str, Mapping[str, str]] | None  # a site's own words, by language and step


def step(alert: Alert) -> str:
    """Which text an alert takes: its stage, or that it corrects one before; blank for a person's
    own words.
    """
    return "corrected" if alert.wrong else alert.stage_name if alert.stage != NO_STAGE else ""


def headline(alert: Alert, language: str, own: Own = None) -> str:
    """The few words that come first, with the zone: "EXERCISE EXERCISE EXERCISE — Take cover now.
    apron-2.".

    alert     the message
    language  code of the language
    own       the site's own words by language and step, None without any
    """
    return phrase(alert.kind, step(alert), alert.zone, language, own, alert.text)


def say(alert: Alert, language: str, own: Own = None) -> str:
    """Everything that is said: headline, the time that is left, a person's words, and what it is
    once more.

    alert     the message
    language  code of the language
    own       the site's own words by language and step, None without any
    """
    words = _words(language, own)
    parts = [headline(alert, language, own)]
    if (
        alert.stage_name in ("take-cover", "stay")
        and alert.due is not None
        and alert.due > alert.sent
        and alert.kind != "test"
    ):
        parts.append(words["seconds"].format(seconds=round(alert.due - alert.sent)))
    if alert.text and step(alert):
        parts.append(alert.text)
    return " ".join([*parts, *after(alert.kind, language, own)])


def phrase(kind: str, said: str, zone: str, language: str, own: Own = None, text: str = "") -> str:
    """The words of a stage (or a person's `text`) for a zone, with what it is before them where it
    is not meant.

    kind      kind of the alert: "live", "simulation", "exercise" or "test"
    said      name of the stage's words, empty for the person's text
    language  code of the language
    own       the site's own words by language and step, None without any
    """
    words = _words(language, own)
    if kind == "test":
        return f"{words['test']} {zone}."
    before = f"{words[kind].upper()} {words[kind].upper()} {words[kind].upper()} — " if kind in NOT_MEANT else ""
    return f"{before}{words[said] if said else text} {zone}."


def after(kind: str, language: str, own: Own = None) -> list[str]:
    """What is said once more at the end where it is not meant.

    kind      kind of the alert: "live", "simulation", "exercise" or "test"
    language  code of the language
    own       the site's own words by language and step, None without any
    """
    return [f"{_words(language, own)[kind]}."] if kind in NOT_MEANT else []


def clock(t: float | None) -> str:
    """A time of day as people read it, UTC; blank none.

    t  time [s since 1970], None for none
    """
    return "" if t is None else datetime.fromtimestamp(t, UTC).strftime("%H:%M:%S UTC")


def _words(language: str, own: Own) -> Mapping[str, str]:
    base = WORDS.get(language.split("-")[0].lower(), WORDS["en"])
    return {**base, **own[language]} if own and language in own else base
