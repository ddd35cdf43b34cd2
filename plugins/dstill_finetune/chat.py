r"""Conversations: what a decoder reads, rendered by the chat template of its tokenizer.

    chat = Chat(tokenizer, {"predict: ": "", "explain: ": "explain"})
    chat.render("predict: ", "how many requests failed")
    → "<start_of_turn>user\nhow many requests failed<end_of_turn>\n<start_of_turn>model\n"

The source is the user's message. The branch that answers has no system message, so that other programs ask with the
question alone; any other branch has its task word as one. A template without system messages gets it in front of the
user's message. Rendered texts already have the special tokens: encode them with ``add_special_tokens=False``.

`adopt` prepares the tokenizer of a base for that: answers end with the token that ends a turn in its template. A
student that reads plain prompts gets the template of `plain_templates`, so that programs which render messages ask it
what it was trained on.

Not covered: a template that writes the date (Llama 3.1) renders another prompt every day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dstill.errors import DataError
from dstill_torch.damage import damaged

__all__ = ["Chat", "adopt", "has_template", "plain_templates", "system_messages"]

Messages = Sequence[Mapping[str, str]]
SOURCE, SYSTEM, ANSWER = "dstillsourcedstill", "dstillsystemdstill", "dstillanswerdstill"  # survive any template


def has_template(tokenizer: Any) -> bool:
    """Whether the tokenizer has a template for messages without tools."""
    template = tokenizer.chat_template
    return bool(template.get("default") if isinstance(template, dict) else template)


def system_messages(words: Iterable[str]) -> dict[str, str]:
    """Task word → system message. The first word is the one that asks for an answer."""
    return {word: word.strip().rstrip(":") if number else "" for number, word in enumerate(dict.fromkeys(words))}


@dataclass(frozen=True)
class Chat:
    """The conversations of one student."""

    tokenizer: Any
    system_messages: Mapping[str, str]  # task word → system message, or ""

    def messages(self, word: str, source: str) -> list[dict[str, str]]:
        """The conversation that asks for the answer to `source`, in the branch of the task `word`."""
        user, system = {"role": "user", "content": source}, self.system_messages.get(word, "")
        return [{"role": "system", "content": system}, user] if system else [user]

    def render(self, word: str, source: str) -> str:
        """The prompt, up to where the answer begins."""
        return self.rendered(self.messages(word, source))

    def rendered(self, messages: Messages) -> str:
        """The text of any conversation that may begin with a system message, up to where the answer begins."""
        first, *rest = messages
        if first["role"] == "system" and not self._takes_system_messages:
            messages = [{**rest[0], "content": f"{first['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
        return _applied(self.tokenizer, messages)

    @cached_property
    def ending(self) -> str:
        """The text that the template writes between the user's message and the answer."""
        return self.render("", SOURCE).rpartition(SOURCE)[2]

    @cached_property
    def _takes_system_messages(self) -> bool:
        """Some templates refuse them, and others leave them out without a word."""
        turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": SOURCE}]
        try:
            return SYSTEM in _applied(self.tokenizer, turns)
        except Exception:
            return False


def adopt(tokenizer: Any, where: str) -> None:
    """Prepare a base's tokenizer for conversations.

    The template for messages without tools becomes its only one, and the token that ends the assistant's turn becomes
    its end token. Raises DataError, which names `where`, if the template is missing or cannot render a message.
    """
    if not has_template(tokenizer):
        raise DataError(
            "the tokenizer has no chat template",
            where=f"train.prompt = chat: {where}",
            hint='set train.prompt to "plain", or choose a base that was trained to chat',
        )
    if isinstance(tokenizer.chat_template, dict):
        tokenizer.chat_template = tokenizer.chat_template["default"]
    chat, hint = Chat(tokenizer, {}), 'set train.prompt to "plain", or repair the template'
    with damaged("the chat template of the base cannot render a message", where=where, hint=hint):
        prompt = chat.render("", SOURCE)
    if SOURCE not in prompt:
        raise DataError("the chat template of the base leaves out the user's message", where=where, hint=hint)
    eos = tokenizer.eos_token
    tokenizer.eos_token = _end_of_turn(tokenizer) or eos
    if chat.render("", SOURCE) != prompt:  # it writes the end token in prompts
        tokenizer.eos_token = eos


def _end_of_turn(tokenizer: Any) -> str:
    """The special token after the assistant's message. Empty: there is none."""
    turns = [{"role": "user", "content": SOURCE}, {"role": "assistant", "content": ANSWER}]
    try:
        text = _applied(tokenizer, turns, add_generation_prompt=False)
    except Exception:  # it renders no assistant's message
        return ""
    special = {at: str(token) for at, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids = tokenizer(text.rpartition(ANSWER)[2], add_special_tokens=False)["input_ids"] if ANSWER in text else []
    return next((special[at] for at in ids if at in special), "")


def plain_templates(tokenizer: Any, words: Mapping[str, str], task_prefix: str) -> list[str]:
    """Templates that may render the plain prompts (`dstill_finetune.encoding`) of a decoder with this tokenizer.

    Some tokenizers add a space to a text, but not after a start token that is written in the text.

    Args:
        tokenizer: Decides whether prompts begin with a start token.
        words: Task word → system message.
        task_prefix: As in the recipe.
    """
    ids = tokenizer("a")["input_ids"]
    begins = tokenizer.bos_token_id is not None and ids[0] == tokenizer.bos_token_id
    starts = ("{{ bos_token }}", "{{ bos_token + ' ' }}") if begins else ("",)
    answers = next((word for word, system in words.items() if not system), "")
    system = "messages[0]['role'] == 'system'"
    named = f"(messages[0]['content'] + ': ' if {system} else {_literal(answers)})"
    source = "messages[-1]['content']"
    text = f"{source} + '\\n' + {named}.strip()" if task_prefix == "decoder" else f"{named} + {source}"
    return [f"{start}{{{{ {text} + '\\n' }}}}" for start in starts]


def _literal(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def _applied(tokenizer: Any, messages: Messages, *, add_generation_prompt: bool = True) -> str:
    turns = [dict(message) for message in messages]
    text: str = tokenizer.apply_chat_template(turns, add_generation_prompt=add_generation_prompt, tokenize=False)
    return text
