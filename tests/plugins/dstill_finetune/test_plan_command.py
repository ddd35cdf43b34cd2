from __future__ import annotations

import importlib.util
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dstill.api.modality import Batch, Memory, Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.cli.groups import Group
from dstill.cli.options import App
from dstill.plugins import PluginInfo, Plugins

# Instead of the preset of its kind: in the memory of a card, each modality differs more.
SETTINGS = {"train.max_length": 1024, "train.target_modules": "attention", "train.gradient_checkpointing": "false"}
OWN = tuple(word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}"))


class Small(Modality):
    """A third party's: it needs next to nothing and is less full than LoRA."""

    name = "small"
    priority = 45

    def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
        return Memory(parts={"all": 6 * 2**30})

    def prepare(self, model: Any, recipe: Recipe) -> Any:
        return model


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs ``plan`` with the built-in plugin, and `extra` modalities from another."""
    import dstill_finetune
    import dstill_torch
    from dstill.hookspecs import hookimpl

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, extra: tuple[type[Modality], ...] = ()) -> Result:
        class Other:
            @hookimpl
            def register_modalities(self) -> tuple[type[Modality], ...]:
                return extra

        plugins = Plugins()
        plugins.add(dstill_finetune, PluginInfo(name="finetune"))
        plugins.add(dstill_torch, PluginInfo(name="torch"))
        plugins.add(Other(), PluginInfo(name="other"))
        assert not plugins.failures
        plugins.files = (Path("mine.py"),) if extra else ()
        group = Group(name="dstill", context_settings={"help_option_names": ["-h", "--help"]})  # a command keeps them
        plugins.register_commands(group)
        return CliRunner().invoke(group, ["experiment", "plan", *arguments], obj=App(plugins))

    return run


def row_of(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.fixture
def seven_billion(tmp_path: Path) -> str:
    from transformers import LlamaConfig

    folder = tmp_path / "llama-7b"
    LlamaConfig(vocab_size=32000, hidden_size=4096, intermediate_size=11008, tie_word_embeddings=False).save_pretrained(
        folder
    )
    return f"hf:{folder}"


def test_shows_each_modality_and_the_train_command(plan: Any, seven_billion: str) -> None:
    result = plan("--student", seven_billion, *OWN, "--vram", "24GB")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    rows = {
        line.split()[0]: line for line in lines if line.split()[:1] and line.split()[0] in ("full", "lora", "qlora")
    }
    assert "needs" in rows["full"]
    assert "needs" in rows["lora"]
    assert "chosen" in rows["qlora"]
    assert lines[-1] == f"dstill train RUN --student {seven_billion} --modality qlora {' '.join(OWN)}"


def test_json_has_every_component_in_bytes(plan: Any, seven_billion: str) -> None:
    options = ("--batch-size", "1", "--set", "train.gradient_checkpointing=true")
    row = row_of(plan("--student", seven_billion, "--vram", "40GB", "--json", *options))
    assert row["modality"] == "lora"
    assert [m["modality"] for m in row["modalities"]] == ["full", "lora", "qlora"]
    for modality in row["modalities"]:
        assert modality["memory_required"] == sum(modality["parts"].values())
    assert row["command"].endswith(
        "--modality lora --set train.per_device_train_batch_size=1 --set train.gradient_checkpointing=true"
    )
    assert row["shape"]["parameters"] == 6_738_415_616


def test_shows_the_preset_and_what_is_the_users(plan: Any, seven_billion: str) -> None:
    options = ("--student", seven_billion, "--vram", "24GB", "--set", "train.learning_rate=0.001")
    lines = plan(*options).stdout.splitlines()
    assert lines[-2] == (
        "preset plain decoder: prompt=plain, target_modules=all-linear, per_device_train_batch_size=2, "
        "gradient_accumulation_steps=16, max_length=2048, gradient_checkpointing=True; yours: learning_rate=0.001"
    )
    row = row_of(plan(*options, "--batch-size", "8", "--json"))
    assert row["preset"]["yours"]["per_device_train_batch_size"] == 8
    assert row["preset"]["yours"]["gradient_accumulation_steps"] == 1  # one goes with the other
    assert (row["batch"], row["length"]) == (8, 2048)


def test_nothing_fits_shows_the_table_and_an_error_with_a_hint(plan: Any, seven_billion: str) -> None:
    result = plan("--student", seven_billion, *OWN, "--vram", "8GB")
    assert "qlora" in result.stdout
    assert result.exception.exit_code == 2
    assert "no modality fits a card of 8 GiB" in str(result.exception)
    assert "--batch-size 1" in str(result.exception)


def test_plans_configured_modality_if_it_fits(plan: Any, seven_billion: str) -> None:
    fits = plan("--student", seven_billion, *OWN, "--vram", "40GB", "--modality", "qlora", "--json")
    row = row_of(fits)
    assert row["modality"] == "qlora"  # auto would take another
    assert [m["modality"] for m in row["modalities"]] == ["full", "lora", "qlora"]
    assert [m["chosen"] for m in row["modalities"]] == [False, False, True]
    unfit = plan("--student", seven_billion, *OWN, "--vram", "40GB", "--modality", "full", "--json")
    assert row_of(unfit)["modality"] is None
    assert "no modality fits a card of 40 GiB" in str(unfit.exception)
    unknown = plan("--student", seven_billion, *OWN, "--vram", "40GB", "--modality", "fill")
    assert "fill" in str(unknown.exception)


def test_third_party_modality_is_ordered_by_priority(plan: Any, seven_billion: str) -> None:
    for vram, wins in (("8GB", "small"), ("24GB", "small"), ("40GB", "lora")):
        result = plan("--student", seven_billion, *OWN, "--vram", vram, "--json", extra=(Small,))
        row = row_of(result)
        assert row["modality"] == wins
        assert row["command"].startswith("dstill --plugin mine.py train RUN ")


@pytest.mark.slow
def test_tiny_is_planned_for_the_local_device(plan: Any) -> None:
    row = row_of(plan("--student", "tiny", "--json"))
    assert row["modality"] == "full"
    assert row["device"]["free"] > 0


@pytest.mark.slow
def test_flan_t5_has_an_untied_head(plan: Any, tmp_path: Path) -> None:
    """google/flan-t5-small has 76,961,152 parameters; its configuration, read by transformers 5, ties the head."""
    from transformers import T5Config

    sizes = {"vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 1024, "num_heads": 6, "num_layers": 8}
    T5Config(**sizes, feed_forward_proj="gated-gelu", tie_word_embeddings=False).save_pretrained(tmp_path / "flan")
    result = plan("--student", f"hf:{tmp_path / 'flan'}", "--vram", "24GB", "--json")
    assert row_of(result)["shape"]["parameters"] == 76_961_152


def test_train_command_is_quoted(plan: Any, seven_billion: str) -> None:
    folder = Path(seven_billion.removeprefix("hf:"))
    spaced = f"hf:{folder.rename(folder.with_name('my base'))}"
    result = plan("--student", spaced, "--vram", "80GB", "--batch-size", "1")
    assert shlex.split(result.stdout.splitlines()[-1])[3:5] == ["--student", spaced]


def test_plan_refuses_what_train_refuses(plan: Any, tmp_path: Path) -> None:
    from transformers import T5Config

    T5Config().save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "pytorch_model.bin").write_bytes(b"pickled")
    error = plan("--student", f"hf:{tmp_path / 'base'}", "--vram", "24GB").exception
    assert error.exit_code == 4
    assert "the weights are pickled" in str(error)


@pytest.mark.slow
def test_settings_for_another_student_are_noted(plan: Any, seven_billion: str) -> None:
    Path("dstill.toml").write_text(
        '[train]\nstudent = "tiny"\nlearning_rate = 0.002\nper_device_train_batch_size = 4\nnum_train_epochs = 8.0\n'
    )
    told = plan("--student", seven_billion, *OWN, "--vram", "80GB", "--batch-size", "1").stderr
    assert (
        "warning: train.learning_rate = 0.002, train.num_train_epochs = 8.0 were set for student 'tiny'; "
        "the defaults are --set train.learning_rate=0.0002 --set train.num_train_epochs=3.0\n"
    ) in told
    assert "warning" not in plan("--student", "tiny", "--vram", "80GB").stderr


@pytest.mark.slow
def test_card_below_one_gigabyte_reserves_memory_for_cuda(plan: Any) -> None:
    """What is free is less than half of it: CUDA itself takes the rest."""
    result = plan("--student", "tiny", "--vram", "700MB")
    assert "on a card of 700 MiB" in result.stdout
    assert "188 MiB free beside 512 MiB of CUDA's own" in " ".join(result.stdout.split())


def test_gguf_file_can_be_planned(plan: Any, tmp_path: Path) -> None:
    from support.gguf_files import write_llama

    weights = write_llama(tmp_path / "small.gguf")
    row = row_of(plan("--student", "small.gguf", "--json"))
    assert row["shape"]["parameters"] == sum(array.size for array in weights.values())
    assert row["command"] == "dstill train RUN --student small.gguf --modality full"


@pytest.mark.nightly
def test_docs_table_matches_its_script() -> None:
    root = Path(__file__).parents[3]
    spec = importlib.util.spec_from_file_location("make_plans", root / "docs" / "make_plans.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FILE.read_text(encoding="utf-8") == module.text()


# --- several cards ----------------------------------------------------------------------

CARDS = "8GB,16GB,24GB,40GB,80GB"


def test_several_cards_share_a_table_with_the_command_for_the_smallest(plan: Any, seven_billion: str) -> None:
    result = plan("--student", seven_billion, *OWN, "--vram", CARDS)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-1] == f"dstill train RUN --student {seven_billion} --modality qlora {' '.join(OWN)}"
    assert lines[-2] == "on a card of 24 GiB:"
    verdicts = {
        (words[0], words[2]): words[5] for line in lines if len(words := line.split()) > 5 and words[1] == "GiB"
    }
    assert {card: modality for (card, modality), verdict in verdicts.items() if verdict == "chosen"} == {
        "24.0": "qlora",
        "40.0": "lora",
        "80.0": "lora",
    }
    assert len(verdicts) == 15


def test_json_of_several_cards_says_what_fits_with(plan: Any, seven_billion: str) -> None:
    row = row_of(plan("--student", seven_billion, *OWN, "--vram", CARDS, "--json"))
    assert [one["modality"] for one in row["plans"]] == [None, None, "qlora", "lora", "lora"]
    at_24 = {one["modality"]: one for one in row["plans"][2]["modalities"]}
    assert "with gradient checkpointing" in at_24["lora"]["fits_with"]
    assert at_24["full"]["fits_with"] == ""
    assert at_24["qlora"]["fits_with"] == ""


def test_recipe_rule_chooses_qlora_below_40_gb(plan: Any) -> None:
    def chosen_modality(vram: str, policy: str) -> Any:
        options = ("--student", "tiny", "--vram", vram, "--json", "--set", f"train.auto_modality={policy}")
        return row_of(plan(*options))["modality"]

    assert chosen_modality("24GB", "fullest") == "full"
    assert chosen_modality("24GB", "recipe") == "qlora"
    assert chosen_modality("37.9GB", "recipe") == "qlora"  # above: cards sold as 40 GB report less
    assert chosen_modality("40GB", "recipe") == "full"


@pytest.mark.parametrize("vram", ["lots", "-8GB", "0", "0GB", "8", "", "8GB,,24GB", "8GB,", "8GB;24GB", "1e3GB"])
def test_invalid_size_is_a_one_line_error(vram: str, plan: Any) -> None:
    error = plan("--student", "tiny", f"--vram={vram}").exception
    assert error.exit_code == 2
    assert "is not an amount of memory" in error.what
    assert "\n" not in error.what
    assert (error.where, error.hint) == ("--vram", "write it as 24GB")


def test_gib_is_accepted_as_unit(plan: Any) -> None:
    row = row_of(plan("--student", "tiny", "--vram", "8GiB", "--json"))
    assert row["device"]["total"] == 8 * 2**30


@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("nobody", "nobody"),
        ("hf:", "no model is named"),
        ("hf:./nowhere", "config.json"),
        ("hf:no such id", "'no such id' is neither a folder"),
    ],
)
def test_missing_student_is_refused(student: str, words: str, plan: Any) -> None:
    error = plan("--student", student, "--vram", "8GB").exception
    assert error.exit_code in (2, 4)
    assert words in str(error)


def test_uncached_hub_id_without_network_is_refused(plan: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    error = plan("--student", "hf:no-one/has-this", "--vram", "8GB").exception
    assert error.exit_code == 7
    assert error.what == "cannot fetch 'no-one/has-this'"
    assert "\n" not in error.where


def test_batch_of_one_is_planned_with_one_record() -> None:
    """Seven records of two sequences each: two are left, whatever the halves of seven are."""
    from dstill_finetune.tiny import Tiny
    from dstill_torch.fit_advice import fits_with

    planned: list[tuple[Batch | None, int]] = []

    class Asked(Small):
        def memory_required(self, student: ModelSpec, recipe: Recipe) -> Memory:
            planned.append((student.batch, recipe.gradient_accumulation_steps))
            return super().memory_required(student, recipe)

    shape = replace(
        Tiny().spec(), batch=Batch(source_shape=(14, 90), target_shape=(14, 30), loss_tokens=350, new_tokens=2)
    )
    card = Device(name="a card", kind="cuda", total=2**30, free=2**30)
    recipe = Recipe(per_device_train_batch_size=7, gradient_accumulation_steps=2, gradient_checkpointing=True)
    assert fits_with(Asked(), shape, recipe, card) == ""
    assert set(planned) == {(Batch(source_shape=(2, 90), target_shape=(2, 30), loss_tokens=50, new_tokens=2), 14)}
