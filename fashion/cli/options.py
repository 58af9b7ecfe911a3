"""Options that several commands share: those of `Settings`, made from its fields, and the folders."""

from __future__ import annotations

import argparse
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from fashion.core.bounds import whole
from fashion.report.steps import Settings

#: Short names.
SHORT = {"catalogue": "-c", "k": "-k"}


def parent(*names: str) -> argparse.ArgumentParser:
    """A parent parser with the options of these fields of `Settings`, all that have a group without names."""
    parser = argparse.ArgumentParser(add_help=False)
    offered = [setting for setting in fields(Settings) if setting.metadata["group"]]
    chosen = [setting for setting in offered if not names or setting.name in names]
    groups = {title: parser.add_argument_group(title) for title in dict.fromkeys(f.metadata["group"] for f in chosen)}
    for setting in chosen:
        option = f"--{setting.name.replace('_', '-')}"
        flags = [option, SHORT[setting.name]] if setting.name in SHORT else [option]
        groups[setting.metadata["group"]].add_argument(*flags, **_how(setting))
    return parser


def _how(setting: Field[Any]) -> dict[str, Any]:
    """Argparse's keywords for a field of `Settings`."""
    about = setting.metadata
    if setting.default is False:
        return {"action": "store_true", "help": about["help"]}
    told = about["help"] + (f" (default: {setting.default})" if setting.default is not None else "")
    read = whole(about["bounds"]) if "bounds" in about else about.get("read", str)
    keywords = {name: about[name] for name in ("metavar", "choices") if name in about}
    return {"default": setting.default, "type": read, "help": told} | keywords


def folders(*, reports: bool = True, run: bool = True) -> argparse.ArgumentParser:
    """A parent parser with the folders for artefacts and, if wanted, reports and a named run."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("where to")
    group.add_argument("--processed", type=Path, metavar="DIR", help="folder of artefacts (default: data/processed)")
    if reports:
        group.add_argument("--reports", type=Path, metavar="DIR", help="folder of reports (default: reports)")
    if reports and run:
        told = "name of a parameter set, whose artefacts and report get folders of their own (runs/NAME in both)"
        group.add_argument("--run", metavar="NAME", help=told)
    return parser


def read_settings(arguments: argparse.Namespace) -> Settings:
    """The settings that a command was given."""
    offered = [setting.name for setting in fields(Settings) if setting.metadata["group"]]
    return Settings(**{name: getattr(arguments, name) for name in offered})


def engine() -> argparse.ArgumentParser:
    """A parent parser with the option of a search engine."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--engine", type=_server, metavar="ADDRESS",
        help="address of a Qdrant server to search with, filled by `fashion export` (default: exact search in memory)",
    )  # fmt: skip
    return parser


def _server(text: str) -> str:
    """The address of a server."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"expected an address such as http://localhost:6333; found {text!r}")
    return text
