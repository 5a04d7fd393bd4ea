"""What each submission deserves, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from modelcheck.isolated.protocol import Limits
from tests.hostile.grading import LIMITS, SHORT

HONEST = (16 * 9 + 16) + 2 * 16 + (10 * 16 * 9 + 10)  # two convolutions and a batch norm
LARGE = HONEST + 40_000

Verdict = Literal["pass", "fail", "error"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What must come of one submission.

    Args:
        verdict: one of these; .
        codes: findings that must be errors; of verdict "error" one of them must be there.
        facts: values of the report's facts by their path, exact numbers worked out from the file.
        twin: the facts are the honest twin's.
        hole: what it gains today, where it gains anything.
    """

    verdict: Verdict
    codes: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    twin: bool = False
    limits: Limits = LIMITS
    hole: str | None = None


def counted(total: int = LARGE, *, hidden: int = 0) -> Case:
    """Over the budget, by so many parameters."""
    codes = ("MC101", "MC102") if hidden else ("MC101",)
    facts = {"parameters.total": total, "parameters.hidden": hidden}
    return Case(verdict="fail", codes=codes, facts=facts)


def hides(hidden: int, total: int = HONEST, *, codes: tuple[str, ...] = ("MC102",), hole: str | None = None) -> Case:
    """So many weights that are no parameters."""
    facts = {"parameters.total": total, "parameters.hidden": hidden}
    return Case(verdict="fail", codes=codes, facts=facts, hole=hole)


def lacks(*codes: str, hole: str | None = None, **counts: int) -> Case:
    """So few layers of a kind that work."""
    facts = {f"{kind}.count": count for kind, count in counts.items()}
    return Case(verdict="fail", codes=codes, facts=facts, hole=hole)


def stopped(*codes: str, limits: Limits = LIMITS) -> Case:
    """No capture: one of these errors."""
    return Case(verdict="error", codes=codes, limits=limits)


TWIN = Case(verdict="pass", twin=True)
NEITHER = {"batch_norm": 0, "dropout": 0}
NOTHING = {**NEITHER, "global_average_pooling": 0}
ALL_THREE = ("MC201", "MC202", "MC203")

CASES: dict[str, Case] = {
    "00_honest/net.py": TWIN,
    "01_bookkeeping/overridden.py": counted(),
    "01_bookkeeping/small_numel.py": counted(),
    "02_hidden_weights/everywhere.py": hides(6000),
    "02_hidden_weights/read_from_a_file": hides(1000),
    "02_hidden_weights/in_the_last_bits_of_a_ramp.py": hides(2000),
    "02_hidden_weights/in_the_signs_of_zeros.py": hides(1000),
    "02_hidden_weights/in_running_statistics.py": hides(20_000, codes=("MC101", "MC102")),
    "02_hidden_weights/in_statistics_of_an_unread_norm.py": hides(20_000, codes=("MC101", "MC102")),
    "02_hidden_weights/in_statistics_of_one_number.py": hides(20_000, codes=("MC101", "MC102")),
    "02_hidden_weights/windows_on_a_ramp.py": hides(300 - 1 - 64),
    "02_hidden_weights/written_as_numbers.py": hides(1000 + 2 - (128 + HONEST // 64)),
    "02_hidden_weights/written_as_an_order.py": hides(1000 - 3 - 64),
    "02_hidden_weights/written_as_paddings.py": hides(300 + 1 - (128 + HONEST // 64)),
    "02_hidden_weights/written_on_nothing_of_the_picture.py": Case(verdict="fail", codes=("MC102",)),
    "02_hidden_weights/written_from_a_code_book.py": Case(verdict="fail", codes=("MC102",)),
    "02_hidden_weights/written_as_sums.py": Case(verdict="fail", codes=("MC102",)),
    "03_unregistered/modules_in_lists.py": counted(HONEST, hidden=10 * 1000 + 1000 + 1000 * 10 + 10 + 10 * 10 + 10),
    "04_made_late/drawn_in_forward.py": stopped("MC004"),
    "04_made_late/on_the_first_call.py": stopped("MC004"),
    "04_made_late/written_by_training.py": hides(200_000, codes=("MC101", "MC102")),
    "04_made_late/snapshots.py": hides(28_800, codes=("MC101", "MC102")),
    "04_made_late/one_makes_thousands.py": Case(verdict="pass", facts={"parameters.total": HONEST + 1}),
    "05_packed/complex.py": counted(HONEST + 20_000),
    "05_packed/bytes.py": hides(1000),
    "05_packed/eight_in_an_integer.py": Case(verdict="pass", facts={"parameters.total": HONEST + 2 * 125}),
    "05_packed/two_in_a_double.py": Case(verdict="pass", facts={"parameters.total": HONEST + 2 * 500}),
    "05_packed/two_in_a_detached_double.py": Case(verdict="pass", facts={"parameters.total": HONEST + 2 * 500}),
    "05_packed/bits_of_written_integers.py": hides(4 * 120 + 10 - (128 + HONEST // 64)),
    "05_packed/bits_of_constants.py": hides(2 * (60 - 64 // 3)),
    "05_packed/complex_doubles.py": hides(4 * (60 - 64 // 6)),
    "05_packed/a_window.py": Case(verdict="pass", facts={"parameters.total": HONEST + 10_000, "parameters.hidden": 0}),
    "06_subclasses/torch_function.py": counted(),
    "06_subclasses/torch_dispatch.py": stopped("MC002", "MC004"),
    "07_wrappers/scripted.py": stopped("MC004"),
    "07_wrappers/compiled.py": TWIN,
    "07_wrappers/data_parallel.py": TWIN,
    "08_idle_layers/never_called.py": lacks(*ALL_THREE, **NOTHING),
    "08_idle_layers/thrown_away.py": lacks(*ALL_THREE, **NOTHING),
    "09_gated/rate_of_nothing.py": lacks("MC202", batch_norm=1, dropout=0),
    "09_gated/stays_on.py": lacks("MC202", "MC305", batch_norm=1, dropout=0),
    "09_gated/times_zero.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/a_detached_zero.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/the_sign_of_zero.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/a_saturated_zero.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/on_noise_only.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/on_a_border_only.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/gap_with_a_border.py": lacks("MC203", global_average_pooling=0),
    "09_gated/on_known_pictures.py": lacks("MC102", "MC201", "MC202", **NEITHER),  # it writes them down
    "09_gated/on_whole_pixels.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/in_full_precision.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/in_small_batches.py": lacks("MC201", "MC202", "MC304", **NEITHER),
    "09_gated/zero_of_a_large_number.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/too_large_to_try.py": Case(verdict="fail", facts={"liveness": "reachable"}),
    "09_gated/fails_without.py": lacks("MC201", "MC202", **NEITHER),
    "09_gated/where_nothing_is_a_number.py": lacks("MC201", "MC202", **NEITHER),
    "10_spoofed/classes.py": lacks(*ALL_THREE, **NOTHING),
    "11_changing/by_call.py": counted(),
    "11_changing/by_mode.py": hides(10_000, codes=("MC102", "MC203")),
    "11_changing/by_clock_and_environment.py": TWIN,
    "11_changing/by_size_of_the_batch.py": Case(verdict="fail", codes=("MC304",)),
    "11_changing/by_order.py": Case(verdict="fail", codes=("MC304",)),
    "12_hooks/hooks.py": TWIN,
    "12_hooks/patched_call.py": TWIN,
    "13_patches/torch_and_clock.py": stopped("MC004"),
    "13_patches/the_checker.py": counted(),
    "13_patches/a_function_of_its_own.py": hides(10_000),
    "13_patches/an_operator_of_its_own.py": stopped("MC004"),
    "14_outputs/always_equal.py": stopped("MC004"),
    "14_outputs/of_another_shape.py": Case(verdict="fail", codes=("MC302",)),
    "14_outputs/classes_for_scores.py": Case(verdict="fail", codes=("MC202", "MC302")),
    "14_outputs/no_numbers.py": lacks(*ALL_THREE, **NOTHING),
    "15_labels/looked_for.py": TWIN,
    "16_trained_beforehand/as_constants.py": hides(8 * 25 + 10 * 8),
    "17_remembered/templates.py": hides(100 * 784 + 2 * 100, codes=("MC101", "MC102")),
    "17_remembered/hashes.py": hides(2 * 1000 + 2 * 1000),
    "18_forged/printed.py": counted(),
    "18_forged/at_the_end.py": counted(),
    "18_forged/by_a_survivor.py": stopped("MC001", "MC603"),
    "18_forged/behind_links.py": stopped("MC603"),
    "18_forged/in_another_folder.py": stopped("MC603"),
    "18_forged/of_far_too_much.py": stopped("MC603"),
    "19_exits/with_status_0.py": stopped("MC603"),
    "19_exits/by_system_exit.py": stopped("MC001"),
    "19_exits/by_keyboard_interrupt.py": stopped("MC603"),
    "19_exits/by_memory_error.py": stopped("MC602"),
    "19_exits/by_its_own.py": stopped("MC001"),
    "19_exits/by_a_hostile_class.py": stopped("MC603"),
    "19_exits/in_the_middle.py": stopped("MC603"),
    "20_random_state/reseeded.py": TWIN,
    "21_endless/at_import.py": stopped("MC601", limits=SHORT),
    "21_endless/in_init.py": stopped("MC601", limits=SHORT),
    "21_endless/in_forward.py": stopped("MC601", limits=SHORT),
    "21_endless/stopped.py": stopped("MC601", limits=SHORT),
    "21_endless/in_native_code.py": stopped("MC601", limits=SHORT),
    "21_endless/at_the_end.py": TWIN,
    "22_bombs/memory.py": stopped("MC602"),
    "22_bombs/memory_of_children.py": stopped("MC601", "MC602"),  # a busy machine gives memory slowly
    "22_bombs/disk.py": stopped("MC001", "MC603"),
    "22_bombs/descriptors.py": stopped("MC001", "MC603"),
    "22_bombs/product_in_training_only.py": Case(verdict="fail", facts={"liveness": "reachable"}),
    "22_bombs/threads.py": stopped("MC001", "MC602", "MC603"),
    "22_bombs/processes.py": TWIN,
    "22_bombs/corpses.py": stopped("MC601", limits=SHORT),
    "22_bombs/graph_of_very_many_nodes.py": stopped("MC601", limits=SHORT),
    "22_bombs/very_large_tensor.py": stopped("MC001"),
    "23_output/without_an_end.py": stopped("MC601", limits=SHORT),
    "23_output/long_names.py": TWIN,
    "23_output/long_exception.py": stopped("MC002"),
    "24_survivors/a_daemon.py": TWIN,
    "24_survivors/a_nameless_daemon.py": TWIN,
    "25_network/spoken_to.py": TWIN,
    "25_network/signals.py": TWIN,
    "26_files/others.py": TWIN,
    "26_files/remounted.py": TWIN,
    "27_shadows/all_of_them": TWIN,
    "27_shadows/torch_of_its_own": counted(),
    "28_links/zip_that_climbs": stopped("MC606"),
    "28_links/zip_that_climbs_by_backslashes": stopped("MC606"),
    "28_links/zip_of_an_absolute_path": stopped("MC606"),
    "28_links/zip_of_a_link": stopped("MC606"),
    "28_links/zip_of_two_names": stopped("MC001"),
    "28_links/zip_of_zeros": stopped("MC606"),
    "28_links/tar_that_climbs": stopped("MC606"),
    "28_links/tar_that_climbs_by_its_extended_header": stopped("MC606"),
    "28_links/tar_of_a_link_and_a_file_through_it": stopped("MC606"),
    "28_links/tar_of_a_hard_link": stopped("MC606"),
    "28_links/tar_of_a_device": stopped("MC606"),
    "28_links/folder_with_a_link_out": stopped("MC606"),
    "28_links/folder_with_a_link_to_everything": stopped("MC606"),
    "28_links/a_link_for_a_submission": stopped("MC606"),
    "28_links/folder_that_holds_itself": TWIN,
    "28_links/folder_that_is_too_deep": stopped("MC606"),
    "29_names/of_modules.py": TWIN,
    "29_names/of_an_exception.py": stopped("MC002"),
    "29_names/folder_with_odd_names": TWIN,
    "29_names/file_of_an_odd_name": TWIN,
    "29_names/file_of_an_invalid_name": TWIN,
    "30_pickles/checkpoint_with_a_pickle": stopped("MC002"),
    "31_own_files/policy": counted(),
    "31_own_files/folder_with_a_pipe": stopped("MC606"),
    "31_own_files/folder_with_a_socket": stopped("MC606"),
    "31_own_files/a_pipe": stopped("MC606"),
    "31_own_files/a_pipe_for_an_archive": stopped("MC606"),
    "31_own_files/folder_with_a_hard_link": TWIN,
    "32_entangled/paths.py": TWIN,
    "32_entangled/shared.py": TWIN,
    "32_entangled/sizes.py": stopped("MC601", limits=SHORT),
    "33_notebooks/notebook_of_commands": TWIN,
    "33_notebooks/notebook_that_breaks_off": stopped("MC001", "MC604"),
    "33_notebooks/notebook_of_no_text": stopped("MC001"),
    "33_notebooks/notebook_of_a_million_cells": stopped("MC601", "MC602", "MC603"),
    "33_notebooks/notebook_that_is_nested": stopped("MC001", "MC604"),
    "33_notebooks/source_that_is_nested": TWIN,
}
