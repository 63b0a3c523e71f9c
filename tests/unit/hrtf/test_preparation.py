"""The parts of the preparation: directions and signs, holes, harmonics, the sphere, the colour."""

import lzma
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
import sofa_files
from hrtf_measures import itd_us, levels_db

from entrain.vdevice.hrtf.preparation import ambisonics, grid, kemar, sphere
from entrain.vdevice.hrtf.preparation.alignment import align
from entrain.vdevice.hrtf.preparation.measured_set import MeasuredSet, angles_deg, unit_vectors
from entrain.vdevice.hrtf.preparation.prepare import Options, PreparedHead, at, prepare


def made_up_set(form: sofa_files.Form) -> MeasuredSet:
    directions = unit_vectors(form.azimuths_deg, form.elevations_deg)
    delays = np.zeros((len(directions), 2))
    return MeasuredSet(form.rate, directions, form.responses, delays)


@pytest.fixture(scope="module")
def lopsided() -> PreparedHead:
    """A head whose left and right, front and back, above and below can be told apart."""
    return prepare(align(made_up_set(sofa_files.usual())))


def band_db(spectra: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    frequencies_hz = np.fft.rfftfreq(1024, 1 / 48_000)
    used = (frequencies_hz >= low_hz) & (frequencies_hz <= high_hz)
    return 10 * np.log10((np.abs(spectra[..., used]) ** 2).mean(axis=-1))


# ---- signs -------------------------------------------------------------------------------------


def spectra_of_the_grid(head: PreparedHead, azimuth: float, elevation: float) -> np.ndarray:
    return at(head, np.array([azimuth]), np.array([elevation]))


def spectra_of_the_decoder(head: PreparedHead, azimuth: float, elevation: float) -> np.ndarray:
    basis = ambisonics.harmonics(3, unit_vectors([azimuth], [elevation]))
    return np.einsum("dc,ecf->def", basis, np.fft.rfft(head.decoder, 1024, axis=-1))


def spectra_of_order_1(head: PreparedHead, azimuth: float, elevation: float) -> np.ndarray:
    basis = ambisonics.harmonics(1, unit_vectors([azimuth], [elevation]))
    return np.einsum("dc,ecf->def", basis, np.fft.rfft(head.first_order_decoder, 1024, axis=-1))


WAYS = [spectra_of_the_grid, spectra_of_the_decoder, spectra_of_order_1]


@pytest.mark.parametrize("way", WAYS)
def test_plus_90_degrees_is_left(lopsided, way):
    left, right = way(lopsided, 90, 0), way(lopsided, -90, 0)
    assert itd_us(left)[0] < -300  # the left ear hears it first
    assert itd_us(right)[0] > 300
    assert np.diff(band_db(left, 2000, 12_000)[0])[0] < -3
    assert np.diff(band_db(right, 2000, 12_000)[0])[0] > 3


@pytest.mark.parametrize("way", WAYS)
def test_the_front_is_brighter_than_the_back_and_above_than_below(lopsided, way):
    def treble_db(azimuth: float, elevation: float) -> float:
        return float(band_db(way(lopsided, azimuth, elevation), 4000, 12_000).mean())

    assert treble_db(0, 0) > treble_db(180, 0) + 3
    assert treble_db(-45, 45) > treble_db(-45, -30) + 1.5


def test_the_ears_are_not_mixed_up(lopsided):
    """The right ear alone has a notch at 7 kHz."""
    front = spectra_of_the_grid(lopsided, 0, 0)
    notch_db = band_db(front, 6500, 7500)
    assert notch_db[0, 0] - notch_db[0, 1] > 4


def test_a_sound_in_front_is_in_the_middle_and_has_0_db(lopsided):
    front = spectra_of_the_grid(lopsided, 0, 0)
    assert abs(itd_us(front)[0]) < 15
    assert levels_db(front).mean() == pytest.approx(0, abs=3)


# ---- the grid ----------------------------------------------------------------------------------


def test_areas_add_up_to_the_sphere():
    nodes, areas = grid.nodes(), grid.areas()
    assert areas.sum() == pytest.approx(1)
    assert np.abs(areas @ nodes).max() < 1e-12
    np.testing.assert_allclose(nodes.T @ (nodes * areas[:, np.newaxis]), np.eye(3) / 3, atol=2e-3)


def test_measured_directions_are_themselves():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(300, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    values = rng.normal(size=(300, 2, 5))
    np.testing.assert_allclose(grid.blend(directions, directions)(values), values, atol=1e-5)


def test_a_function_without_curves_is_found_between_the_directions():
    """The corners of a facet surround the wanted direction, and their weights are exact."""
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(800, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    wanted = grid.nodes()
    found = grid.blend(directions, wanted)(directions)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_facets_are_those_of_the_convex_hull():
    from scipy.spatial import ConvexHull

    rng = np.random.default_rng(2)
    directions = rng.normal(size=(400, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    facets = {frozenset(map(int, facet)) for facet in ConvexHull(directions).simplices}
    wanted = rng.normal(size=(200, 3))
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)

    blend = grid.blend(directions, wanted)

    assert {frozenset(map(int, corners)) for corners in blend.corners} <= facets


def test_left_and_right_are_blended_alike():
    azimuths, elevations = sofa_files.directions()
    directions = unit_vectors(azimuths, elevations)
    mirrored = (directions * [1, -1, 1] @ directions.T).argmax(axis=1)
    values = np.random.default_rng(3).normal(size=(len(directions), 1))
    blend = grid.blend(directions, grid.nodes())
    shape = grid.ELEVATIONS, grid.AZIMUTHS
    one, other = blend(values).reshape(shape), blend(values[mirrored]).reshape(shape)
    np.testing.assert_allclose(one, other[:, -np.arange(grid.AZIMUTHS)], atol=1e-9)


def test_a_hole_is_filled_from_its_rim():
    """Below the lowest ring the level stays the level of the ring, and no place stays empty."""
    azimuths, elevations = (
        np.ravel(each) for each in np.meshgrid(np.arange(0, 360, 10.0), np.arange(-40, 81, 10.0))
    )
    directions = unit_vectors(azimuths, elevations)
    values = (elevations + 0.1 * np.cos(np.deg2rad(azimuths)))[:, np.newaxis]
    rows = grid.blend(directions, grid.nodes())(values).reshape(grid.ELEVATIONS, grid.AZIMUTHS)
    assert np.abs(rows[:10] + 40).max() < 0.2
    assert grid.covered_share(directions) == pytest.approx(0.97, abs=0.02)


@pytest.mark.parametrize("count", [8, 12, 24])
def test_few_directions_on_a_ring_are_enough_to_fill_the_sphere(count):
    azimuths = np.arange(count) * 360.0 / count
    directions = unit_vectors(azimuths, np.zeros(count))
    weights = grid.blend(directions, grid.nodes())(np.ones((count, 1)))
    np.testing.assert_allclose(weights, 1, atol=1e-9)


# ---- harmonics ---------------------------------------------------------------------------------


def test_harmonics_are_those_of_ambix():
    """Order 1 of SN3D in ACN order is 1, y, z, x."""
    directions = grid.nodes()
    x, y, z = directions.T
    found = ambisonics.harmonics(3, directions)
    np.testing.assert_allclose(found[:, :4], np.stack([np.ones_like(x), y, z, x], 1), atol=1e-12)
    np.testing.assert_allclose(found[:, 4], np.sqrt(3) * x * y, atol=1e-12)
    np.testing.assert_allclose(found[:, 6], (3 * z**2 - 1) / 2, atol=1e-12)
    np.testing.assert_allclose(found[:, 8], np.sqrt(3) / 2 * (x**2 - y**2), atol=1e-12)
    np.testing.assert_allclose(found[:, 12], z * (5 * z**2 - 3) / 2, atol=1e-12)


def test_harmonics_are_orthogonal():
    basis = ambisonics.harmonics(3, grid.nodes()) * ambisonics.norms(3)
    products = basis.T @ (basis * grid.areas()[:, np.newaxis])
    np.testing.assert_allclose(products, np.eye(16), atol=0.02)


def test_a_turned_scene_is_a_scene_of_turned_directions():
    """Turning is an orthogonal matrix for each degree, and two turns are their product."""
    directions = grid.nodes()
    before = ambisonics.harmonics(3, directions) * ambisonics.norms(3)

    def matrix(turn: np.ndarray) -> np.ndarray:
        after = ambisonics.harmonics(3, directions @ turn.T) * ambisonics.norms(3)
        found = np.linalg.lstsq(before, after, rcond=None)[0].T
        np.testing.assert_allclose(before @ found.T, after, atol=1e-10)
        return found

    rng = np.random.default_rng(4)
    one, other = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
    one, other = (each * np.sign(np.linalg.det(each)) for each in (one, other))
    degrees = np.sqrt(np.arange(16)).astype(int)
    assert np.abs(matrix(one)[degrees[:, np.newaxis] != degrees]).max() < 1e-10
    np.testing.assert_allclose(matrix(one) @ matrix(one).T, np.eye(16), atol=1e-10)
    np.testing.assert_allclose(matrix(one @ other), matrix(one) @ matrix(other), atol=1e-10)


def test_a_decoder_gives_a_sound_from_the_front_after_10_frames(lopsided):
    response = np.fft.irfft(spectra_of_the_decoder(lopsided, 0, 0)[0], 1024, axis=-1)
    assert np.abs(response).argmax(axis=-1) == pytest.approx([10, 10], abs=4)


# ---- the colour --------------------------------------------------------------------------------


def test_the_diffuse_field_is_flat_afterwards(lopsided):
    flat = np.fft.rfft(lopsided.responses.reshape(-1, 2, 256), 1024, axis=-1)
    power = np.einsum("n,nef->f", grid.areas(), np.abs(flat) ** 2) / 2
    frequencies_hz = np.fft.rfftfreq(1024, 1 / 48_000)
    heard = (frequencies_hz > 100) & (frequencies_hz < 16_000)
    level_db = 10 * np.log10(power[heard])
    assert np.ptp(level_db) < 1.5


def test_the_measured_colour_can_be_kept(lopsided):
    measured = prepare(align(made_up_set(sofa_files.usual())), Options(equalised=False))
    assert np.ptp(np.abs(measured.equaliser)) < 1e-9
    assert np.ptp(np.abs(lopsided.equaliser)) > 0.5


def test_a_response_that_is_later_for_all_directions_changes_nothing(lopsided):
    form = sofa_files.usual()
    late = made_up_set(replace(form, responses=np.roll(form.responses, 30, axis=2)))
    np.testing.assert_allclose(prepare(align(late)).delays_s, lopsided.delays_s, atol=3e-6)


# ---- the built-in heads ------------------------------------------------------------------------


def test_the_packed_head_is_small_and_has_its_licence_beside_it():
    folder = resources.files("entrain.presets") / "heads"
    packed = (folder / kemar.FILE_NAME).read_bytes()
    assert len(packed) < 100_000
    assert lzma.decompress(packed).startswith(b'{"taps":128,')
    notice = (folder / "mit-kemar.txt").read_text(encoding="utf-8")
    assert "Gardner" in notice
    assert "provided the authors" in " ".join(notice.split())


def test_the_packed_head_is_symmetric():
    head = prepare(kemar.kemar())
    mirrored = head.responses[:, -np.arange(grid.AZIMUTHS)][:, :, ::-1]
    assert np.abs(head.responses - mirrored).max() < 1e-6


def test_the_sphere_is_that_of_the_theory():
    """Kuhn 1977: bass is delayed by 3 a / c around the sphere; treble doubles on the near side."""
    sizes = np.array([0.01, 30.0])
    near, far = sphere.pressure(np.deg2rad([0.0, 180.0]), sizes)
    delay = (np.angle(near) - np.angle(far))[0] / sizes[0]
    assert delay == pytest.approx(3, abs=0.01)
    assert np.abs(near)[1] == pytest.approx(2, abs=0.03)
    assert np.abs(far)[0] == pytest.approx(1, abs=0.001)


def test_the_sphere_has_left_and_right_front_and_back():
    found = sphere.sphere()
    azimuths, elevations = angles_deg(found.directions)

    def arrivals_us(azimuth: float) -> np.ndarray:
        near = np.hypot(azimuths - azimuth, elevations) < 0.1
        return found.arrivals_s[near][0] * 1e6

    left, front = arrivals_us(90), arrivals_us(0)
    assert left[1] - left[0] == pytest.approx(650, abs=40)
    assert front[0] == pytest.approx(front[1], abs=1)
    back = found.magnitudes[np.hypot(azimuths - 180, elevations) < 0.1][0]
    ahead = found.magnitudes[np.hypot(azimuths, elevations) < 0.1][0]
    assert np.abs(back - ahead).max() > 0.1
