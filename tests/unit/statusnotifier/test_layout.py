"""A menu as numbered lines: which lines keep their numbers, and which changes are reported."""

import pytest

from entrain.tray.statusnotifier.layout import ROOT, Ids, Layout, difference, lay_out
from entrain.tray.statusnotifier.pystray_api import KeyedItem, Menu, MenuItem


@pytest.fixture
def ids() -> Ids:
    return Ids()


def named(layout: Layout, label: str) -> int:
    return next(n for n, node in layout.nodes.items() if node.properties.get("label") == label)


def item(key: str, text: str | None = None, **options) -> KeyedItem:
    return KeyedItem(key, text or key, lambda: None, **options)


def test_a_key_keeps_its_number_wherever_the_item_goes_among_its_siblings(ids):
    before = lay_out(Menu(item("a"), item("b")), ids)
    after = lay_out(Menu(item("new"), item("b", "other words"), item("a")), ids)

    assert named(after, "a") == named(before, "a")
    assert named(after, "other words") == named(before, "b")


def test_a_number_is_not_given_to_another_item_after_the_first_has_gone(ids):
    before = lay_out(Menu(item("a")), ids)
    after = lay_out(Menu(item("b")), ids)
    again = lay_out(Menu(item("a")), ids)

    assert named(after, "b") != named(before, "a") == named(again, "a")


def test_the_same_key_may_occur_in_two_submenus_and_even_twice_in_one(ids):
    menu = Menu(item("a", "1"), item("a", "2"), KeyedItem("s", "s", Menu(item("a", "3"))))
    layout = lay_out(menu, ids)

    assert len({named(layout, label) for label in "123"}) == 3
    assert lay_out(menu, ids) == layout


def test_items_without_a_key_are_known_by_their_place(ids):
    before = lay_out(Menu(MenuItem("a", None), Menu.SEPARATOR, MenuItem("b", None)), ids)
    after = lay_out(Menu(MenuItem("x", None), Menu.SEPARATOR, MenuItem("b", None)), ids)

    assert named(after, "x") == named(before, "a")
    assert difference(before, after).parent is None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"text": "other"}, {"label": "other"}),
        ({"enabled": False}, {"enabled": False}),
        ({"checked": lambda _: False}, {"toggle-state": 0}),
        ({"radio": True}, {"toggle-type": "radio"}),
        ({"checked": None}, {"toggle-state": -1, "toggle-type": ""}),
    ],
)
def test_only_what_changed_is_said_and_the_structure_stays(ids, options, expected):
    usual = {"text": "a", "checked": lambda _: True}
    before = lay_out(Menu(item("a", **usual), item("b")), ids)
    after = lay_out(Menu(item("a", **(usual | options)), item("b")), ids)

    change = difference(before, after)

    assert change.updated == {named(before, "a"): expected}
    assert change.parent is None
    assert not change.removed


def test_nothing_is_said_where_nothing_changed(ids):
    menu = Menu(item("a"), Menu.SEPARATOR, KeyedItem("s", "s", Menu(item("b"))))
    change = difference(lay_out(menu, ids), lay_out(menu, ids))
    assert (change.updated, change.removed, change.parent) == ({}, {}, None)


def test_a_new_structure_is_said_of_the_submenu_that_it_is_in(ids):
    def menu(*inner, outer=()):
        return Menu(item("a"), KeyedItem("s", "sub", Menu(*inner)), *outer)

    before = lay_out(menu(item("b")), ids)
    inside = lay_out(menu(item("b"), item("c")), ids)
    both = lay_out(menu(item("b"), outer=[item("d")]), ids)

    assert difference(before, inside).parent == named(before, "sub")
    assert difference(before, both).parent == ROOT
    assert difference(inside, both).parent == ROOT


def test_an_item_that_becomes_a_submenu_and_back_is_said_to_be_one(ids):
    leaf = lay_out(Menu(item("a")), ids)
    submenu = lay_out(Menu(KeyedItem("a", "a", Menu(item("b")))), ids)
    number = named(leaf, "a")

    assert difference(leaf, submenu).updated[number] == {"children-display": "submenu"}
    assert difference(leaf, submenu).parent == number
    assert difference(submenu, leaf).removed == {number: ("children-display",)}


def test_separators_submenus_and_what_is_disabled_cannot_be_clicked(ids):
    menu = Menu(
        item("yes"), Menu.SEPARATOR, item("no", enabled=False), KeyedItem("s", "s", Menu(item("b")))
    )
    layout = lay_out(menu, ids)
    assert set(layout.actions) == {named(layout, "yes"), named(layout, "b")}


def test_labels_are_shown_as_they_are_whatever_is_in_them(ids):
    layout = lay_out(Menu(item("a", "my_device"), item("b", "\0broken\udcff")), ids)
    labels = [layout.nodes[n].properties["label"] for n in layout.nodes[ROOT].children]
    assert labels == ["my__device", "broken?"]


def test_keys_that_come_and_go_for_ever_are_forgotten(ids):
    stays = named(lay_out(Menu(item("stays")), ids), "stays")
    for n in range(5000):
        layout = lay_out(Menu(item("stays"), item(f"goes-{n}")), ids)

    assert named(layout, "stays") == stays
    assert len(ids._ids) < 5000


def test_no_menu_is_an_empty_one(ids):
    assert lay_out(None, ids).nodes[ROOT].children == ()
