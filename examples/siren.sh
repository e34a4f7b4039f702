#!/bin/sh
# A siren in plain shell: signed lines in, the siren's command called, signed answers out. Needs openssl and mosquitto's clients.
#
#   mosquitto_sub -V 5 -h BROKER -t 'skywarden/SITE/live/siren-zone/ZONE/+' |
#       ./siren.sh siren.key north ./horn.sh | mosquitto_pub -V 5 -h BROKER -l -t skywarden/SITE/live/siren-ack/north
#
# horn.sh is called with the stage: none, pre-alert, take-cover, stay, impacts-over or all-clear, or no-contact where the lines stop.
set -u
secret=$(cat "$1"); name=$2; horn=$3; last=0; stage=starting
derive() { printf '%s' "$1" | openssl dgst -sha256 -hmac "$secret" -binary | od -An -tx1 -v | tr -d ' \n'; }
sign() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" | sed 's/^.*= *//'; }
field() { printf '%s' "$json" | sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }
in=$(derive "skywarden siren 1 live"); out=$(derive "skywarden answer 1 live")

while IFS=' ' read -r mac json; do
    [ "$mac" = "$(printf '%s' "$json" | sign "$in")" ] || continue                          # forged, or of another kind
    counter=$(field counter); sent=$(field sent); expires=$(field expires); now=$(date +%s)
    [ "$counter" -gt "$last" ] && [ $((now - ${sent%.*})) -le 30 ] && [ "${expires%.*}" -ge "$now" ] || continue    # heard before, or stale
    last=$counter
    if [ "$(field stage)" != "$stage" ]; then
        stage=$(field stage); "$horn" "$stage" >&2
        [ $? -lt 126 ] || { stage=failed; continue; }       # it did not start: no answer, so that somebody comes
    fi
    answer="{\"v\":1,\"relay\":\"$name\",\"message\":\"$(field message)\",\"counter\":$counter,\"state\":\"$stage\"}"
    printf '%s %s\n' "$(printf '%s' "$answer" | sign "$out")" "$answer"
done
"$horn" no-contact >&2
