"""The verbs of a service that runs round the clock: `skywarden serve`, `skywarden backup`,
`skywarden region`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skywarden.session.verbs.speaking import example

service_app = typer.Typer(no_args_is_help=True)


@service_app.command("serve", **example("skywarden serve /etc/skywarden/service.toml"))
def serve_command(
    configuration: Annotated[Path, typer.Argument(help="service.toml: site, feeds, console, records, pair, region.")],
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong with it, and start nothing.")] = False,
    supervise: Annotated[
        bool, typer.Option("--supervise", help="Restart it when it hangs or ends: without systemd.")
    ] = False,
) -> None:
    """Defend a site round the clock: recorded by the hour, watched over, alone or beside another
    watcher.
    """
    if check:
        from skywarden.session.service.configuration import read

        read(configuration)
        print(f"{configuration}: good")
        return
    from skywarden.session.serve import serve

    raise typer.Exit(serve(configuration, supervise))


@service_app.command("backup", **example("skywarden backup /var/lib/skywarden/records kabul /mnt/backup"))
def backup_command(
    folder: Annotated[Path, typer.Argument(help="The folder of a service's records.")],
    site: Annotated[str, typer.Argument(help="The site's name.")],
    to: Annotated[Path, typer.Argument(help="The folder to copy into; what is there already is left.")],
) -> None:
    """Copy a service's records while it runs; each copy is opened, and the chain between them
    checked.
    """
    from skywarden.record.segments import backup, faults, segments

    copied = backup(folder, site, to)
    found = faults(segments(to, site))
    print("\n".join([*map(str, copied), *found]))
    raise typer.Exit(1 if found else 0)


@service_app.command("region", **example("skywarden region /etc/skywarden/region.toml"))
def region_command(
    configuration: Annotated[Path, typer.Argument(help="region.toml: brokers, secret, user, password, host, port.")],
) -> None:
    """Show up to 20 bases in one page: warnings, rounds, health and age of each, which opens its
    own console.
    """
    from skywarden.session.region import run_region

    run_region(configuration)
