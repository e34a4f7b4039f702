"""Skywarden: an open C-RAM system in software: sense, predict, warn; interception only ever
rehearsed in simulation.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from skywarden.pipeline import compiled

__version__ = "0.1.0"

# public names of before, and where the module stands now
RENAMED = {"skywarden.stonesoup": "skywarden.bridges.stonesoup"}


class _Renamed(MetaPathFinder, Loader):
    """Imports a module that was public under another name, when and only when it is asked for by
    that name.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in RENAMED else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(RENAMED[module.__name__])


compiled.keep_compiled()
sys.meta_path.append(_Renamed())
