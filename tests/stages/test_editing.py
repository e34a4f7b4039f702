"""A site's own files, edited: what is changed is changed, everything else stays to the last
comment, and nothing faulty is saved.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_console import SITE, Page, console, users

from skywarden.files.shipped import find
from skywarden.kernels.geometry.earth import to_site
from skywarden.kernels.geometry.ground import Ground
from skywarden.site.editing import draft as drafts
from skywarden.site.editing.draft import EditError
from skywarden.site.editing.fields import PLACE, fields
from skywarden.site.load import TERRAIN, TOML, ZONES, load
from skywarden.site.terrain import to_bytes


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(find("kabul", "sites"), tmp_path / "kabul")
    return tmp_path / "kabul"


def opened(folder):
    original = drafts.read(folder, load(folder))
    return original, drafts.view(original)


def saved(folder, change):
    """Files after a change of what a form shows."""
    original, draft = opened(folder)
    change(draft)
    files = drafts.edited(original, draft)
    assert drafts.faults(files, original.site) == []
    drafts.save(folder, original, files)
    return {name: content.decode() for name, content in files.items()}


def lines_apart(old, new):
    """Lines only in the old text, and lines only in the new one."""
    before, after = old.splitlines(), new.splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_saving_without_a_change_leaves_every_byte(folder):
    before = {name: (folder / name).read_bytes() for name in (TOML, ZONES)}
    saved(folder, lambda draft: None)
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_changed_radar_changes_its_lines_alone_and_keeps_their_comments(folder):
    old = (folder / TOML).read_text()
    (folder / TOML).chmod(0o640)

    def change(draft):
        draft["radars"][0]["values"].update(east_m=-300, reference_range_m=25000, azimuth_width_deg=120.5)
        draft["effectors"][1]["values"]["magazine"] = 16
        del draft["radars"][1]["values"]["detection_probability"]

    new = saved(folder, change)[TOML]
    gone, come = lines_apart(old, new)
    assert gone == ["east_m = -250.0", "reference_range_m = 24000.0     # where 1 m² gives the reference signal to "
        "noise",
                    "detection_probability = 0.97", "magazine = 8"]
    assert come == ["east_m = -300.0", "reference_range_m = 25000.0     # where 1 m² gives the reference signal to "
        "noise",
                    "azimuth_width_deg = 120.5", "magazine = 16"]
    site = load(folder)
    assert site.radars[0].place[0] == -300.0
    assert site.effectors[1].magazine == 16
    assert site.radars[1].detection_probability == 0.9
    assert (folder / TOML).stat().st_mode & 0o777 == 0o640


def test_radars_and_effectors_are_added_and_removed_and_their_neighbours_comments_stay(folder):
    text = (folder / TOML).read_text().replace("[[receivers]]", "# the mast behind the tower\n[[receivers]]")
    (folder / TOML).write_text(text)

    def change(draft):
        del draft["radars"][1]
        draft["radars"].append({"values": {
            "name": "hill", "kind": "staring", "east_m": 900, "north_m": -40.5, "height_m": 6, "revisit_s": 0.5,
            "range_max_m": 12000, "range_sigma_m": 20,
            "azimuth_sigma_mrad": 4}})
        draft["effectors"].append({"of": None, "values": {"name": "gun south", "kind": "gun", "latitude_deg": 34.56,
            "longitude_deg": 69.21,
                                                         "reach_max_m": 1500}})

    new = saved(folder, change)[TOML]
    assert "# the mast behind the tower\n[[receivers]]" in new
    assert "approach" not in new
    assert "\n\n[[radars]]\nname = \"hill\"" in new
    gone, _ = lines_apart(text, new)
    removed = text[text.index("[[radars]]                      # a secondary"):text.index("# the mast behind")]
    assert set(gone) <= set(removed.splitlines())
    site = load(folder)
    assert [radar.name for radar in site.radars] == ["cram", "hill"]
    assert site.radars[1].place[:2].tolist() == [900.0, -40.5]
    assert [effector.name for effector in site.effectors] == ["gun north", "interceptor", "gun south"]
    assert tomllib.loads(new)["policy"] == tomllib.loads(text)["policy"]


def test_the_last_radar_and_all_effectors_can_go_and_come_back(folder):
    def none(draft):
        draft.update(radars=[], effectors=[])

    saved(folder, none)
    assert load(folder).radars == ()

    def one(draft):
        draft["effectors"] = [{"values": {"name": "gun", "reach_max_m": 2000}}]

    new = saved(folder, one)[TOML]
    assert new.endswith("\n\n[[effectors]]\nname = \"gun\"\nreach_max_m = 2000.0\n")


INTERLEAVED = """name = "odd"    # 1
[origin]
latitude_deg = 34.0
longitude_deg = 69.0
elevation_m = 1.0

# the second gun stands before its radar
[[effectors]]   # 2
name = "a"
reach_max_m = 900.0
[[ "radars" ]]  # 3
'name' = "r1"
revisit_s = 1  # 4
range_max_m = 2e4  # 5
range_sigma_m = 1_0.0
azimuth_sigma_mrad = 3
sac_sic = [  # 6
  1,  # 7
  2,
]
# 8
[[effectors]]   # 9
name = "b"
reach_max_m = 1000.0
  # 10
[[radars]]
name = "r2"
revisit_s = 1.0
range_max_m = 1000.0
range_sigma_m = 10.0
azimuth_sigma_mrad = 3.0
[policy]  # 11
consent = "two" # 12"""


@settings(max_examples=25, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_whatever_is_edited_the_file_says_what_was_meant_and_keeps_every_other_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("odd")
    newline = data.draw(st.sampled_from(["\n", "\r\n"]))
    (folder / TOML).write_bytes(INTERLEAVED.replace("\n", newline).encode())
    shutil.copy(find("kabul", "sites") / ZONES, folder / ZONES)
    (folder / ZONES).write_text((folder / ZONES).read_text().replace("69.2", "69.0").replace("34.5", "34.0"))
    original, draft = opened(folder)
    kind = data.draw(st.sampled_from(["radars", "effectors"]))
    removed = [entry for entry in draft[kind] if data.draw(st.booleans())]
    draft[kind] = [entry for entry in draft[kind] if entry not in removed]
    numbers = [field.key for field in fields(kind) if field.kind == "number"]
    for entry in draft[kind]:
        for key in data.draw(st.lists(st.sampled_from(numbers), max_size=3)):
            entry["values"][key] = data.draw(st.floats(-1e5, 1e5).map(lambda x: round(x, 3)))
    if data.draw(st.booleans()):
        draft[kind].append({"values": {"name": data.draw(st.text(st.characters(codec="utf-8",
            exclude_categories=["Cs"]), min_size=1, max_size=12))}})
    files = drafts.edited(original, draft)
    made = tomllib.loads(files[TOML].decode())
    meant = [entry["values"] for entry in draft[kind]]
    assert [{k: v for k, v in table.items() if k in {f.key for f in fields(kind)} | set(PLACE)}
        for table in made.get(kind, [])] == meant
    before = tomllib.loads(INTERLEAVED)
    assert {k: v for k, v in made.items() if k != kind} == {k: v for k, v in before.items() if k != kind}
    if not removed:
        for number in range(1, 13):
            assert f"# {number}" in files[TOML].decode()
    for comment in ("# 8", "# 10", "# the second gun"):
        assert comment in files[TOML].decode()


def test_a_site_written_another_way_is_refused_and_not_harmed(folder):
    text = (folder / TOML).read_text()
    tables = text[text.index("[[effectors]]"):text.index("[policy]")]
    inline = 'effectors = [{ name = "gun", reach_max_m = 900.0 }]\n'
    (folder / TOML).write_text(inline + text.replace(tables, ""))
    original, draft = opened(folder)
    draft["effectors"][0]["values"]["reach_max_m"] = 800
    with pytest.raises(EditError, match=r"Write each under a line \[\[effectors\]\]"):
        drafts.edited(original, draft)
    ghost = """title = '''
[[effectors]]
name = "gun"
reach_max_m = 900.0
# '''
"""
    (folder / TOML).write_text(inline + text.replace(tables, "").replace('title = "Kabul airport (zones notional)"\n',
        ghost))
    original, draft = opened(folder)
    draft["effectors"][0]["values"]["reach_max_m"] = 800
    with pytest.raises(EditError, match="without losing something"):
        drafts.edited(original, draft)


def as_parts(polygons):
    return {"type": "MultiPolygon", "coordinates": polygons}


def as_collection(polygons):
    inner = {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": polygons[1]}]}
    return {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": polygons[0]}, inner]}


@pytest.mark.parametrize("joined", [as_parts, as_collection])
def test_features_nobody_changed_stay_as_they_are_written(folder, joined):
    data = json.loads((folder / ZONES).read_text())
    data["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    data["features"][1] |= {"id": 17}
    data["features"][1]["properties"]["note"] = "kept"
    both = [data["features"].pop()["geometry"]["coordinates"] for _ in range(2)]
    data["features"].append({"type": "Feature", "properties": {"name": "pair", "kind": "housing"},
        "geometry": joined(both)})
    (folder / ZONES).write_text(json.dumps(data))
    names = [zone.name for zone in load(folder).zones]

    def change(draft):
        draft["zones"][0]["people"] = 3

    made = json.loads(saved(folder, change)[ZONES])
    assert made["crs"] == data["crs"]
    assert made["features"][1:] == data["features"][1:]
    assert made["features"][0]["geometry"] == data["features"][0]["geometry"]
    assert [zone.name for zone in load(folder).zones] == names

    def part(draft):
        draft["zones"][-1]["polygon"][0][0] += 5.0

    made = json.loads(saved(folder, part)[ZONES])
    assert [zone.name for zone in load(folder).zones] == names
    assert made["features"][-2]["geometry"] == {"type": "Polygon", "coordinates": both[0]}


def test_zones_drawn_far_away_are_read_back_where_they_were_drawn(folder):
    drawn = [[30_000, 30_000], [30_100, 30_000], [30_100, 30_100], [30_000, 30_100]]

    def change(draft):
        draft["zones"].append({"of": None, "name": "far", "kind": "housing", "people": 4, "shelter": 9, "warn": True,
            "polygon": drawn})

    saved(folder, change)
    two_millimetres = 0.002
    zone = load(folder).zones[-1]
    assert np.linalg.norm(zone.polygon[:, None] - np.array(drawn, float)[None],
        axis=2).min(axis=0).max() < two_millimetres


@pytest.mark.parametrize(("kind", "change", "said"), [
    ("zones", {"polygon": [[0, 0], [10, 0]]}, "2 corners"), ("zones", {"kind": "castle"}, "castle"),
    ("zones", {"people": -1}, "people"),
    ("zones", {"shelter": "soon"}, "soon"), ("zones", {"polygon": [[0, 0], [100, 100], [100, 0], [0, 100]]},
        "self-intersection"),
    ("zones", {"polygon": "circle"}, "east, north"), ("zones", {"polygon": [[0, "x"]]}, "east, north"),
    ("zones", {"name": "hospital"}, "used 2 times"),
    ("zones", {"polygon": [[0, 0], [9e9, 0], [0, 9e9]]}, "east, north"), ("zones", {"of": 99}, "none of the file"),
    ("zones", {"of": 1}, "no two"),
    ("radars", {"values": {"name": "cram"}}, 'radar "cram": "revisit_s" is missing'),
    ("radars", {"range_max_m": 5}, 'site.toml:26 radar "cram": "range_max_m" is 5.0, outside 100 … 1e+06. Check the '
        'unit'),
    ("radars", {"name": "approach"}, 'the name "approach" is used twice'), ("radars", {"kind": "magic"},
        "staring, rotating, scheduled"),
    ("radars", {"elevation_max_deg": 0.1}, "not above elevation_min_deg"), ("radars", {"aim_deg": 3},
        "values are an object"),
    ("radars", {"range_max_m": None}, "range_max_m: a text, a number"), ("radars", {"east_m": 1e300},
        "A number is too large"),
    ("radars", {"of": 7}, "no number 7"),
    ("effectors", {"magazine": 2.5}, 'effector "gun north": "magazine" is 2.5, not a whole number'),
    ("effectors", {"reach_min_m": 3000}, "reach_max_m 2000 is not above reach_min_m 3000"),
    ("effectors", {"values": 4}, "values are an object"),
])
def test_a_fault_is_named_where_it_is_and_nothing_is_saved(folder, kind, change, said):
    before = {name: (folder / name).read_bytes() for name in (TOML, ZONES)}
    with console(site_folder=folder) as served:
        page = Page(served)
        with page.enter():
            draft = json.loads(page.ask("GET", "/api/draft")[2])
            entry = draft[kind][0]
            whole = kind == "zones" or set(change) & {"of", "values"}
            (entry if whole else entry["values"]).update(change)
            answer = json.loads(page.ask("POST", "/api/draft", {**draft, "save": True})[2])
    assert answer["saved"] is False
    assert any(said in fault for fault in answer["faults"]), answer["faults"]
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_site_is_edited_over_the_wire_and_somebody_elses_change_is_not_overwritten(folder):
    with console(site_folder=folder) as served:
        page = Page(served)
        with page.enter():
            draft = json.loads(page.ask("GET", "/api/draft")[2])
            draft["radars"][0]["values"]["north_m"] = 500
            checked = json.loads(page.ask("POST", "/api/draft", {**draft, "save": False, "height": 300})[2])
            assert (checked["faults"], checked["saved"]) == ([], False)
            _, north = np.array(checked["coverage"]["radars"][0]["seen"][0][0]).T
            # about the radar where it was put, not where it stands
            assert (north.max() + north.min()) / 2 == pytest.approx(500.0, abs=60.0)
            assert load(folder).radars[0].place[1] == 120.0
            done = json.loads(page.ask("POST", "/api/draft", {**draft, "save": True})[2])
            assert (done["saved"], done["changed"]) == (True, [TOML])
            assert served.audit.entries[-1]["what"] == "edit site"
            assert TOML in served.audit.entries[-1]["about"]
            assert load(folder).radars[0].place[1] == 500.0
            text = (folder / TOML).read_text() + "\n# by hand\n"
            (folder / TOML).write_text(text)
            late = json.loads(page.ask("POST", "/api/draft", {**draft, "version": done["version"], "save": True})[2])
            assert "changed on disk" in late["faults"][0]
            assert (folder / TOML).read_text() == text
            (folder / TOML).write_text(text.replace("34.5659", "34.6"))
            assert "origin was changed" in json.loads(page.ask("GET", "/api/draft")[2])["error"]
            (folder / TOML).write_text(text.replace("range_max_m = 20000.0", ""))
            assert '"range_max_m" is missing' in json.loads(page.ask("GET", "/api/draft")[2])["error"]


def test_an_operator_does_not_edit_a_site_and_a_shipped_one_is_not_written(folder):
    with console(users=users(folder, mira="operator"), site_folder=folder) as served:
        page = Page(served)
        page.log_in("mira")
        with page.connected():
            assert page.ask("GET", "/api/draft")[0] == 403
            assert page.ask("POST", "/api/draft", {"zones": [], "save": True})[0] == 403
        assert served.audit.entries[-1]["what"] == "edit site"
    with console() as served:
        page = Page(served)
        with page.enter():
            assert page.ask("GET", "/api/draft")[0] == 409
            assert json.loads(page.ask("POST", "/api/draft", {"zones": [], "save": True})[2])["saved"] is False


def test_a_form_knows_every_key_of_the_shipped_sites_and_its_limits():
    for kind in ("radars", "effectors"):
        known = {field.key: field for field in fields(kind)}
        for name in ("kabul", "range", "range-weather"):
            for table in tomllib.loads((find(name, "sites") / TOML).read_text()).get(kind, []):
                assert set(table) <= {*known, *PLACE}
        assert known["azimuth_width_deg"].default == 360.0
        assert known["name"].needed
        assert known["kind"].choices
    assert {field.key: field for field in fields("radars")}["range_max_m"][2:6] == (True, None, 100.0, 1e6)


def test_the_coverage_is_served_to_whoever_looks(tmp_path):
    with console() as served:
        page = Page(served)
        assert page.ask("GET", "/api/coverage?height=300")[0] == 401
        with page.enter():
            seen = json.loads(page.ask("GET", "/api/coverage?height=300")[2])
            assert [radar["name"] for radar in seen["radars"]] == [radar.name for radar in SITE.radars]
            assert len(seen["all"][0][0]) > 50
            assert page.ask("GET", "/api/coverage?height=300")[2] == page.ask("GET", "/api/coverage?height=300.2")[2]
            for bad in ("", "?height=", "?height=-1", "?height=nan", "?height=1e9"):
                assert page.ask("GET", f"/api/coverage{bad}")[0] == 400


def test_places_written_as_latitude_and_longitude_stay_written_so(folder):
    text = (folder / TOML).read_text().replace("east_m = 250.0\nnorth_m = 350.0",
        "latitude_deg = 34.57\nlongitude_deg = 69.22")
    (folder / TOML).write_text(text)

    def change(draft):
        draft["effectors"][0]["values"]["latitude_deg"] = 34.571

    saved(folder, change)
    origin = load(folder).origin
    wanted = to_site(origin.latitude, origin.longitude, origin.elevation, np.radians(34.571), np.radians(69.22),
        origin.elevation)[0]
    np.testing.assert_allclose(load(folder).effectors[0].place[:2], wanted[:2], atol=1e-6)


def test_what_cannot_be_written_leaves_the_old_files_and_nothing_beside_them(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    original, draft = opened(folder)
    draft["radars"][0]["values"]["east_m"] = 1
    draft["zones"][0]["people"] = 7

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(drafts.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        drafts.save(folder, original, drafts.edited(original, draft))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_site_with_terrain_is_edited_over_the_terrain_of_the_run(folder):
    ground = Ground(-5000.0, -5000.0, 5000.0, np.full((3, 3), 70.0), 70.0, 5.0)
    site = load(folder)
    running = replace(site, ground=ground, sources={**site.sources, TERRAIN: to_bytes(ground)})
    original = drafts.read(folder, running)
    assert original.site.radars[0].place[2] == 70.0 + 12.0
    draft = drafts.view(original)
    draft["radars"][0]["values"]["height_m"] = 20
    edited = drafts.site_of(drafts.edited(original, draft), running)
    assert edited.radars[0].place[2] == 90.0
    assert set(original.files) == {TOML, ZONES}         # the grid is the run's, no file of the folder
