"""The notebooks in order: what each reads and writes, and whether it has to run."""

from __future__ import annotations

import json
from dataclasses import Field, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from fashion.catalogue.addresses import Downloads, downloads_folder
from fashion.catalogue.definition import Catalogue, load_catalogue, open_catalogue
from fashion.catalogue.translation import glossary_folder
from fashion.core.bounds import COUNTS, SEEDS, check_whole, in_words, share
from fashion.core.checksums import fingerprint, sha256_file, sha256_json
from fashion.core.code_closure import code_checksum
from fashion.core.defaults import COLOUR_WEIGHT, LIST_LENGTH, LOOKS_WEIGHT, Preferences
from fashion.core.errors import ArtefactError, ReportError, SettingsError, did_you_mean
from fashion.core.files import write_json
from fashion.core.paths import at_home, judgements_of, kept_place, project_root
from fashion.core.provenance import sha256_output, versions
from fashion.core.texts import clean_text
from fashion.core.workspace import WRITERS, Workspace
from fashion.embedding.backbones import NAMES
from fashion.embedding.encoder_files import is_place, places_checksum, several
from fashion.embedding.resnet50 import cached_file
from fashion.embedding.runtimes import NAMES as RUNTIMES

#: In the key of notebook 01 where the data lies elsewhere than it wrote down, and before what is known of photos by
#: address.
MOVED, DOWNLOADED = "@elsewhere", "@photos-"


@dataclass(frozen=True)
class Step:
    """One notebook: its artefacts in, its artefacts out."""

    notebook: str
    reads: tuple[str, ...] = ()

    @property
    def writes(self) -> tuple[str, ...]:
        """The artefacts that the notebook leaves."""
        return tuple(name for name, notebook in WRITERS.items() if notebook == self.notebook)

    @property
    def number(self) -> str:
        """The notebook's number, two digits."""
        return self.notebook[:2]

    @property
    def path(self) -> Path:
        """The notebook in the project."""
        return project_root() / "notebooks" / f"{self.notebook}.ipynb"


STEPS = (
    Step("01-catalogue"),
    Step("02-embedding", ("source.json", "items.parquet", "photos.parquet", "near_duplicates.parquet")),
    Step(
        "03-attributes",
        ("source.json", "items.parquet", "near_duplicates.parquet", "backbone.json", "max_pooled.npy", "multilayer.npy",
         "colour_grid.npy"),
    ),
    Step(
        "04-recommendation",
        ("source.json", "items.parquet", "split.parquet", "backbone.json", "max_pooled.npy", "frozen.npy",
         "attributes.npz",
         "attributes.json", "learned.npy", "described.npy"),
    ),
    Step(
        "05-map",
        ("source.json", "items.parquet", "tiles.parquet", "backbone.json", "frozen.npy", "neighbours.parquet"),
    ),
    Step(
        "06-evaluation",
        ("source.json", "items.parquet", "split.parquet", "backbone.json", "max_pooled.npy", "frozen.npy",
         "multilayer.npy", "attributes.npz", "attributes.json", "learned.npy", "described.npy", "histogram.npy",
         "hog.npy", "pixels.npy", "colour_grid.npy", "neighbours.parquet"),
    ),
)  # fmt: skip


def _setting(default: Any, group: str, text: str, **more: Any) -> Any:
    """A field of `Settings`: its default, and what the command line needs to know of it.

    Parameters
    ----------
    default : object
        The field's default.
    group : str
        Title of its group of options.
    text : str
        Its help.
    **more : object
        `metavar`, `choices`, `bounds` (a range of whole numbers) and `read` (text -> value), where it has such.
    """
    return field(default=default, metadata={"group": group, "help": text} | more)


#: Groups of options, by title.
CLOTHES, NETWORK, LISTS = "which clothes", "which network", "which recommendations"


@dataclass(frozen=True)
class Settings:
    """The settings of a report: options of the command, and parameters of the notebooks that declare them.

    Raises
    ------
    SettingsError
        For a number out of its bounds, and for `limit` and `first` together.
    """

    catalogue: str = _setting(
        "sample", CLOTHES,
        "name of a catalogue (sample, imagelab, fashion-product-images, hm) or path of its TOML", metavar="C",
    )  # fmt: skip
    data: str | None = _setting(None, CLOTHES, "its folder, zip or tar, if not in data/raw", metavar="PATH")
    limit: int | None = _setting(
        None, CLOTHES, "use N items, a seeded sample stratified by department", metavar="N", bounds=COUNTS
    )
    first: int | None = _setting(
        None, CLOTHES, "use the table's first N rows instead, as the original study did", metavar="N", bounds=COUNTS
    )
    backbone: str = _setting(
        "auto", NETWORK, "frozen network: auto (resnet50 where its weights are available, else efficientnet-lite0), "
        "resnet50, efficientnet-lite0 (or -lite1, -lite2), the folder or file of an exported encoder (ONNX, OpenVINO, "
        "Keras), or a file of vectors by item (.parquet, .npy); further ones after commas, which notebook 02 "
        "compares with the first",
        metavar="NAME|PATH", names=NAMES,
    )  # fmt: skip
    weights: str | None = _setting(None, NETWORK, "Keras weights file for resnet50, without top", metavar="FILE")
    size: int | None = _setting(
        None, NETWORK, "input resolution of the network in pixels: efficientnet-lite0 takes 96, 128 ... 224 "
        "(default: 160), resnet50 32 to 1024 (default: 197), an encoder from disk what its export "
        "allows", metavar="PX", bounds=COUNTS,
    )  # fmt: skip
    runtime: str = _setting(
        "auto",
        NETWORK,
        "inference runtime; auto takes the fastest installed",
        choices=RUNTIMES,
    )
    seed: int = _setting(0, CLOTHES, f"random seed, {in_words(SEEDS)}", metavar="N", bounds=SEEDS)
    keep_unknown: bool = _setting(False, CLOTHES, "keep words that the glossary lacks, untranslated")
    k: int = _setting(
        LIST_LENGTH, LISTS, "recommendations per item, in the report, the shop and `fashion recommend`", metavar="N",
        bounds=COUNTS,
    )  # fmt: skip
    colour_weight: float = _setting(
        COLOUR_WEIGHT, LISTS, "weight of colour beside the category, from 0 (category alone) to 1 (colour alone)",
        metavar="W", read=share,
    )  # fmt: skip
    looks_weight: float | None = _setting(
        None, LISTS, "weight of looks in the similarity, from 0 (words alone) to 1 (looks alone) (default: chosen on "
        "validation items)", metavar="W", read=share,
    )  # fmt: skip
    beside: str = _setting(
        "", "", "further backbones, separated by commas, which notebook 02 compares with the first: what follows the "
        "first comma of `backbone`",
    )  # fmt: skip
    queries: str | None = _setting(
        None, CLOTHES, "items to show in notebook 04, by name; random ones follow", metavar="A,B", read=clean_text
    )

    def __post_init__(self) -> None:
        first, *further = several(str(self.backbone))
        if further:
            object.__setattr__(self, "backbone", first)
            object.__setattr__(self, "beside", ",".join(further))
        for name in several(self.beside):
            _check_kind(self.__dataclass_fields__["backbone"], name)
        for setting in fields(self):
            value, bounds = getattr(self, setting.name), setting.metadata.get("bounds")
            if isinstance(value, Path):
                value = str(value)
                object.__setattr__(self, setting.name, value)
            _check_kind(setting, value)
            if bounds and (value is not None or setting.default is not None):
                check_whole(setting.name, value, bounds)
        Preferences(self.k, self.colour_weight, LOOKS_WEIGHT if self.looks_weight is None else self.looks_weight)
        if self.limit is not None and self.first is not None:
            raise SettingsError(
                f"expected limit or first, not both; found {self.limit} and {self.first}. Leave one out."
            )

    def __repr__(self) -> str:
        """The settings that differ from the defaults, as they would be written in Python."""
        own = {"catalogue": self.catalogue} | self._given()
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in own.items())})"

    def variables(self) -> dict[str, Any]:
        """The settings that differ from the defaults, without the catalogue, by the names in command and `make`.

        Places are whole: the command that is made of these may be given elsewhere.

        Examples
        --------
        >>> Settings("sample", limit=300, backbone="efficientnet-lite0,efficientnet-lite1").variables()
        {'limit': 300, 'backbone': 'efficientnet-lite0,efficientnet-lite1'}
        """
        given = self._given()
        if further := given.pop("beside", ""):
            given["backbone"] = f"{self.backbone},{further}"
        if "backbone" in given:
            parts = (str(at_home(part).resolve()) if is_place(part) else part for part in several(given["backbone"]))
            given["backbone"] = ",".join(parts)
        return given | {name: str(at_home(given[name]).resolve()) for name in ("data", "weights") if name in given}

    def _given(self) -> dict[str, Any]:
        own = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {name: value for name, value in own.items() if name != "catalogue"}


#: The annotation of a setting -> what it may be, and how an error says so; whole numbers have bounds.
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool,), "True or False"),
    "float": ((int, float), "a number"),
    "float | None": ((int, float, type(None)), "a number"),
    "str": ((str,), "a string"),
    "str | None": ((str, type(None)), "a string"),
}


def _check_kind(setting: Field[Any], value: object) -> None:
    """Raise SettingsError unless a value is one of the setting's choices, or of its annotation's kind."""
    name, choices = setting.name, setting.metadata.get("choices")
    if choices:
        if value not in choices:
            raise SettingsError(
                f"expected {name} to be one of {', '.join(choices)}; found {value!r}."
                f"{did_you_mean(str(value), choices) or ' Name one of them.'}"
            )
        return
    if names := setting.metadata.get("names"):
        if not isinstance(value, str) or (value not in names and not is_place(value)):
            raise SettingsError(
                f"expected {name} to be one of {', '.join(names)} or a path; found {value!r}."
                f"{did_you_mean(str(value), names) or ' Name one of them.'}"
            )
        return
    kinds, words = _KINDS.get(str(setting.type), ((object,), ""))
    if not isinstance(value, kinds):
        raise SettingsError(f"expected {name} to be {words}; found {value!r}. Pass {words}.")


if Settings.__doc__:
    Settings.__doc__ += "\n    Attributes\n    ----------\n" + "".join(
        f"    {f.name} : {f.type}\n        {f.metadata['help']}.\n" for f in fields(Settings)
    )


@dataclass
class State:
    """The state of a step that ran: the key of what made its outputs, and their checksums.

    `letters` are those that no installed font had, so that figures show boxes.
    """

    key: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    finished: str = ""
    letters: str = ""


def state_path(workspace: Workspace, step: Step) -> Path:
    """The path of a step's state."""
    return workspace.processed / "steps" / f"{step.number}.json"


def read_state(workspace: Workspace, step: Step) -> State:
    """The state of a step; an empty one if it never ran or its file is damaged."""
    try:
        return State(**json.loads(state_path(workspace, step).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return State()


def write_state(workspace: Workspace, step: Step, state: State) -> None:
    """Remember that a step is done; written last, so that a kill before it makes the step run again."""
    # No seals (`files.write_sealed`): one state stands for all files of a step, some compared without their timings,
    # and a damaged one is made again where it lies.
    write_json(state_path(workspace, step), asdict(state))


def cells_of(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook as they are in its file: `source` is a string or a list of lines."""
    # As JSON: importing nbformat and its checks takes longer than all else in a re-run with nothing changed.
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return cells


def declared_parameters(notebook: Path) -> dict[str, str]:
    """Names in the notebook's cell tagged `parameters`, with the line that sets each.

    Raises
    ------
    ReportError
        When there is not exactly one such cell.
    """
    tagged = [cell for cell in cells_of(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    if len(tagged) != 1:
        raise ReportError(f"expected one cell tagged `parameters` in {notebook}; found {len(tagged)}. Tag one cell.")
    source = "".join(tagged[0]["source"])
    lines = [line for line in source.splitlines() if "=" in line and not line.startswith("#")]
    return {line.split("=")[0].split(":")[0].strip(): line for line in lines}


def output_paths(workspace: Workspace, step: Step) -> list[Path]:
    """Every file that a step has written and that exists now."""
    paths = [workspace.path(name) for name in step.writes]
    paths += [workspace.report / "results" / f"{step.number}.json"]
    paths += sorted((workspace.report / "figures").glob(f"{step.number}-*.png"))
    paths += sorted(workspace.report.glob(f"{step.number}-*.html"))
    paths += [workspace.report / "notebooks" / f"{step.notebook}.ipynb"]
    return [path for path in paths if path.is_file()]


def checksums(workspace: Workspace, step: Step) -> dict[str, str]:
    """Label of each output -> its SHA-256, timings aside."""
    return {workspace.label(path): sha256_output(path) for path in output_paths(workspace, step)}


def step_key(workspace: Workspace, step: Step, settings: Settings) -> str:
    """The key of what would make the step's outputs now: code, versions, parameters, content of its inputs.

    Where data and weights lie is no part of it, what they are is. Only where the data is another folder than the one
    that notebook 01 wrote down does the key say so, until that notebook has run.
    """
    declared = set(declared_parameters(step.path)) - {"data", "weights"}
    said = asdict(settings) | {"catalogue": workspace.catalogue}
    moved = ""
    parts: dict[str, Any] = {
        "code": code_checksum(step.path),
        "versions": versions(),
        "parameters": {k: v for k, v in said.items() if k in declared},
        "inputs": {name: _input_checksum(workspace, name) for name in step.reads},
        # Words and swatches reach later steps without passing through items.parquet.
        "glossary": [sha256_file(path) for path in sorted(glossary_folder().glob("*.csv"))],
    }
    if step.number == "06" and (judgements := judgements_of(workspace.catalogue)):
        parts["inputs"]["judgements"] = sha256_file(judgements)
    if step.number == "01":
        catalogue = load_catalogue(settings.catalogue)
        source = open_catalogue(catalogue, settings.data, workspace.processed_root)
        # A table may lie beside the folders that a report fills, in the project's own folder, say.
        ours = (downloads_folder(catalogue.name), workspace.stores, workspace.report.parent)
        parts["inputs"] = {
            "toml": sha256_file(catalogue.path),
            "data": fingerprint(source.path, ours),
            "glossary": own_glossary(catalogue),
        }
        moved = (MOVED if _lies_elsewhere(source.path, workspace) else "") + _downloaded(workspace)
    if settings.weights and Path(settings.weights).is_file() and "backbone" in declared:
        parts["inputs"]["weights"] = sha256_file(Path(settings.weights))
    if "beside" in declared and settings.beside:
        del parts["parameters"]["beside"]
        told = [places_checksum(name) if is_place(name) else name for name in several(settings.beside)]
        parts["inputs"]["beside"] = told
    if "backbone" in declared and is_place(settings.backbone):
        del parts["parameters"]["backbone"]
        parts["inputs"]["encoder"] = places_checksum(settings.backbone)
        return sha256_json(parts) + moved
    if "backbone" not in declared or settings.weights or settings.backbone.startswith("efficientnet-lite"):
        return sha256_json(parts) + moved  # what is in Keras's cache changes nothing
    return f"{sha256_json(parts)}{moved}+{_weights_at_hand()}"


def own_glossary(catalogue: Catalogue) -> dict[str, str]:
    """File of a catalogue's own glossary -> its SHA-256."""
    return {path.name: sha256_file(path) if path.is_file() else "absent" for path in catalogue.glossary.values()}


def _lies_elsewhere(data: Path, workspace: Workspace) -> bool:
    """Whether the data is now in another place than notebook 01 recorded, from which photos are read."""
    if not workspace.path("source.json").is_file():
        return False
    try:
        return Path(workspace.json("source")["data"]).resolve() != data.resolve()
    except (ArtefactError, KeyError):
        return False  # damaged: its checksum makes the notebook run


def movable(settings: Settings, workspace: Workspace) -> dict[str, Any]:
    """The settings as the page's key holds them: catalogue, data and artefacts may be moved together."""
    places = {name: getattr(settings, name) for name in ("data", "weights")}
    if is_place(settings.backbone):
        places["backbone"] = settings.backbone
    kept = {name: kept_place(place, workspace.processed_root) if place else place for name, place in places.items()}
    return asdict(settings) | kept | {"catalogue": workspace.catalogue}


def _weights_at_hand() -> str:
    """Fingerprint of the weights in Keras's cache, on which the choice of the backbone by "auto" depends."""
    return fingerprint(cached_file()) if cached_file().is_file() else "none"


def _input_checksum(workspace: Workspace, artefact: str) -> str:
    """SHA-256 of an artefact that a step reads; of source.json without what says where things lie."""
    path = workspace.path(artefact)
    return sha256_output(path) if path.is_file() else "absent"


def _downloaded(workspace: Workspace) -> str:
    """A fingerprint of what is known of the catalogue's photos by address; empty where it has none."""
    state = Downloads(downloads_folder(workspace.catalogue)).state()
    return DOWNLOADED + state if state else ""


def key_after(before: str, workspace: Workspace | None = None) -> str:
    """The key under which a finished run is remembered: that of its start, so that later changes count as new.

    Only what the step itself may have fetched, weights and in notebook 01 (then with `workspace`) photos, is looked at
    again; and the data's place is known now.
    """
    start, plus, _ = before.partition("+")
    start = start.partition(DOWNLOADED)[0].removesuffix(MOVED) + (_downloaded(workspace) if workspace else "")
    return f"{start}+{_weights_at_hand()}" if plus else start


def letters_without_font(workspace: Workspace) -> str:
    """The catalogue's letters that no installed font had when notebook 01 ran."""
    path = workspace.report / "results" / "01.json"
    return str(workspace.results("01").get("letters_without_font", "")) if path.is_file() else ""


def stale_because(workspace: Workspace, step: Step, key: str) -> str:
    """The reason why the step must run; empty when its outputs are those that `key` would make, undamaged."""
    state = read_state(workspace, step)
    if not state.key:
        return "it has not run yet"
    if state.key != key:
        return "its code, parameters or inputs changed"
    now = checksums(workspace, step)
    for name, checksum in state.outputs.items():
        if name not in now:
            return f"{name[2:]} is missing"
        if now[name] != checksum:
            return f"{name[2:]} is damaged or was edited"
    if state.letters:
        from fashion.core.fonts import lacking

        if lacking([state.letters]) != state.letters:
            return "a font for the figures was installed"
    return ""
