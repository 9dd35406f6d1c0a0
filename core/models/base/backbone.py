"""A Hugging Face encoder or causal LM, cut in two at a layer: a frozen trunk and an adapted top.

Design choices:
- Any architecture that AutoModel loads and whose blocks are in one ModuleList works. Both halves
  run the model's own forward, which knows its masks, rotary positions and final norm. Below the
  cut, a hook stops it at the cut; above, pass-throughs replace the blocks below the cut and a hook
  inserts the cached hidden state.
- The read-out is the pooling that the base was made with (core.models.base.pooling): the average
  over a text's tokens, or one position: the first token of an encoder, the last token of a causal
  LM. That is the text's own last token: an end-of-text token that a tokenizer appends would move it
  to the position at which the LM predicts the next text.
- With one position, only that one matters after the last block's attention, so that block's
  feed-forward is computed there alone: its output broadcasts over the residual, which is exact at
  the read-out position and unused elsewhere. Whether an architecture permits this is tested when
  the model is loaded, never assumed. An average needs every position.

This file does not know adapters, samples, labels or losses.
"""

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoConfig, AutoTokenizer, PreTrainedModel

from core.errors import ModelError, SettingsError
from core.models.base.architecture import FeedForward, feed_forward, find_blocks, is_causal
from core.models.base.batches import tokenize
from core.models.base.device import tokens_per_batch
from core.models.base.offload import load_model
from core.models.base.pooling import MEAN, TOKEN, choose_pooling, mean_state
from core.models.base.products import speed_up_products
from core.models.base.sources import hash_source

# appended to a case's text for a choice model; the next token is the answer
ANSWER = "\nAnswer:"
# what the libraries raise for a folder with a damaged file, such as a list in place of a setting
_UNLOADABLE = (
    *(OSError, ValueError, KeyError, ImportError, AttributeError, TypeError, RuntimeError),
    SafetensorError,
)


class _ReachedCut(Exception):
    """Carries the hidden state out of the model's forward at the cut."""

    def __init__(self, hidden: Tensor):
        self.hidden = hidden


class _PassThrough(nn.Module):
    """Replaces a block below the cut; forwards the block's attributes, which some models read."""

    def __init__(self, block: nn.Module):
        super().__init__()
        # not registered: its parameters belong to the real list
        object.__setattr__(self, "_block", block)

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(object.__getattribute__(self, "_block"), name)

    def forward(self, hidden_states: Tensor, *args, **kwargs) -> Tensor:
        return hidden_states


class Backbone(nn.Module):
    """A pre-trained model cut at block `cut` (0 <= cut < number of blocks).

    model, tokenizer: as AutoModel and AutoTokenizer load them. cut: first block of the top; 0
    leaves only the embeddings in the trunk. sha256, source: identity and origin of the model's
    files. readout: "classify" or "choice". pooling: MEAN or TOKEN. Raises SettingsError for a cut
    outside the model.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer,
        cut: int,
        sha256: str,
        source: str,
        readout: str = "classify",
        pooling: str = TOKEN,
    ):
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.sha256 = sha256
        self.source = source
        self.readout = readout
        self.pooling = pooling
        self.blocks_name, blocks = find_blocks(model)
        if not 0 <= cut < len(blocks):
            raise SettingsError(
                "models.cut_outside", cut=cut, base=source, blocks=len(blocks), last=len(blocks) - 1
            )
        self.cut = cut
        self.causal = is_causal(model.config)
        self._maps = [
            feed_forward(model, f"{self.blocks_name}.{i}.", block) for i, block in enumerate(blocks)
        ]
        self.narrow_last = False  # see allow_narrowing()
        self.recompute = False  # see _recomputed()
        # Whether blocks below the cut lie elsewhere (core.models.base.offload).
        self.offloaded = False
        self._pass = [_PassThrough(b) for b in blocks[:cut]]
        # Adapters that are attached later are new parameters, and stay trainable.
        self.requires_grad_(False)

    @property
    def blocks(self) -> nn.ModuleList:
        """Return the model's blocks."""
        return cast(nn.ModuleList, self.model.get_submodule(self.blocks_name))

    @property
    def hidden_size(self) -> int:
        """Return the size d of a hidden state."""
        return self.model.config.hidden_size

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return next(self.model.parameters()).device

    @property
    def max_tokens(self) -> int:
        """Return the length of the longest text, in tokens, that the model can read."""
        limits = (
            getattr(self.model.config, "max_position_embeddings", None),
            self.tokenizer.model_max_length,
        )
        return min(int(x) for x in limits if x)

    def tokens(self, texts: Sequence[str], truncate: bool = False) -> list[list[int]]:
        """Return the token ids of each text as this model's read-out needs them.

        truncate: cut texts that are too long, for which CasesError is raised otherwise.
        """
        if self.readout == "choice":
            texts = [text + ANSWER for text in texts]
        special = (self.tokenizer.eos_token_id, self.tokenizer.sep_token_id) if self.causal else ()
        return tokenize(
            self.tokenizer,
            texts,
            self.max_tokens,
            truncate,
            frozenset(i for i in special if i is not None),
        )

    @property
    def tokens_per_batch(self) -> int:
        """Return how many tokens to evaluate at once, by the device and its memory at present."""
        return tokens_per_batch(
            self.device,
            self.hidden_size,
            getattr(self.model.config, "intermediate_size", 4 * self.hidden_size),
        )

    def forward(self, input_ids: Tensor, mask: Tensor | None) -> Tensor:
        """Return the read-out state [B, d] of tokens [B, T], all blocks in one pass.

        mask: [B, T], None when nothing is padded.
        """
        with self._narrowed(mask):
            # [B, T, d]
            states = self.model(
                input_ids=input_ids, attention_mask=mask, **self._no_cache()
            ).last_hidden_state
        return self._read_out(states, mask)

    def trunk(self, input_ids: Tensor, mask: Tensor | None) -> Tensor:
        """Return the hidden state that enters block `cut`, [B, T, d], of tokens [B, T].

        mask: [B, T], None when nothing is padded. Raises ModelError if the model does not run that
        block.
        """

        def stop(_block, args, kwargs):
            # An exception is the only way out of the model's own forward before its end.
            raise _ReachedCut(args[0] if args else kwargs["hidden_states"])

        handle = self.blocks[self.cut].register_forward_pre_hook(stop, with_kwargs=True)
        try:
            self.model(input_ids=input_ids, attention_mask=mask, **self._no_cache())
        except _ReachedCut as reached:
            return reached.hidden
        finally:
            handle.remove()
        raise ModelError("models.block_not_run", base=self.source, block=self.cut)

    def top(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        """Return the read-out state [B, d] of a hidden state that enters block `cut`, [B, T, d].

        mask: [B, T], None when nothing is padded.
        """
        with self._above_cut(hidden), self._narrowed(mask), self._recomputed():
            states = self.model(
                inputs_embeds=hidden, attention_mask=mask, **self._no_cache()
            ).last_hidden_state
        return self._read_out(states, mask)

    @contextmanager
    def _above_cut(self, hidden: Tensor):
        """During one forward: skip the blocks below the cut, and let `hidden` enter block `cut`."""

        def put(_block, args, kwargs):
            return (
                ((hidden, *args[1:]), kwargs)
                if args
                else (args, kwargs | {"hidden_states": hidden})
            )

        # Pass-throughs go into the model's own list, since its forward loops over that list.
        blocks, below = self.blocks, list(self.blocks[: self.cut])
        for i, passing in enumerate(self._pass):
            blocks[i] = passing
        handle = blocks[self.cut].register_forward_pre_hook(put, with_kwargs=True)
        try:
            yield
        finally:
            handle.remove()
            for i, block in enumerate(below):
                blocks[i] = block

    @contextmanager
    def _narrowed(self, mask: Tensor | None):
        """During one forward: the last block's feed-forward reads the read-out position only."""
        if not self.narrow_last:
            yield
            return

        def narrow(_linear, args):
            return (self._at_read_out(args[0], mask), *args[1:])

        ups = self.feed_forward(len(self.blocks) - 1).up
        handles = [self.model.get_submodule(name).register_forward_pre_hook(narrow) for name in ups]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def _recomputed(self):
        """During one differentiated forward: the blocks above the cut store only their inputs.

        The backward pass computes the remaining activations again: a third more time, for the
        memory of one block. Not the last block: its narrowed feed-forward stores little, and its
        hook would be gone by the backward pass.
        """
        blocks = self.blocks[self.cut : -1] if self.recompute and torch.is_grad_enabled() else ()
        for block in blocks:
            # The reentrant kind of checkpoint takes no keyword arguments, which blocks are called
            # with.
            block.forward = partial(checkpoint, block.forward, use_reentrant=False)
        try:
            yield
        finally:
            for block in blocks:
                del block.forward  # uncovers the class's own forward

    def compile_blocks(self, **options) -> None:
        """Compile every block but the last, whose hooks change by call.

        options: torch.compile's. This pays for many blocks and small batches of few shapes: the
        first pass of a shape takes minutes.
        """
        for block in self.blocks[:-1]:
            block.compile(**{"dynamic": True} | options)

    def _at_read_out(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Return the read-out position of x [..., T, d], [..., 1, d]."""
        if not self.causal:
            return x[..., :1, :]
        if mask is None:
            return x[..., -1:, :]
        # right padding; x may hold several samples of the batch
        last = (mask.sum(-1) - 1).repeat(x.shape[0] // mask.shape[0])
        return x.gather(-2, last.view(-1, 1, 1).expand(*x.shape[:-2], 1, x.shape[-1]))

    def _read_out(self, states: Tensor, mask: Tensor | None) -> Tensor:
        if self.pooling == MEAN:
            return mean_state(states, mask)
        return self._at_read_out(states, mask).squeeze(-2)  # [B, d]

    def _no_cache(self) -> dict:
        # A causal LM would keep keys and values for a next token that is never generated.
        return {"use_cache": False} if self.causal else {}

    def feed_forward(self, block: int) -> FeedForward:
        """Return the linear maps of a block, by their names when the model was loaded."""
        return self._maps[block]

    def train(self, mode: bool = True):
        """Stay in evaluation mode: the pre-trained model's own dropout is never used."""
        return super().train(False)

    @torch.no_grad()
    def allow_narrowing(self, tolerance: float = 1e-4) -> bool:
        """Turn on the narrow last feed-forward if it keeps the read-out state on this architecture.

        tolerance: largest difference, as a share of the largest state. Returns whether it is on.
        """
        self.narrow_last = False
        if self.pooling == MEAN:
            return False
        # One of the two texts is padded, so that their last tokens have different positions.
        ids = torch.arange(12, device=self.device).view(2, 6) % self.model.config.vocab_size
        mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2], device=self.device)
        wide = self(ids, mask)
        self.narrow_last = bool(self.feed_forward(len(self.blocks) - 1).up)
        try:
            same = torch.allclose(self(ids, mask), wide, atol=tolerance * float(wide.abs().max()))
        except RuntimeError:  # shapes that do not broadcast: a block of another structure
            same = False
        self.narrow_last = self.narrow_last and same
        return self.narrow_last


def load_backbone(
    source: str,
    cut: Callable[[int], int],
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    readout: str = "classify",
    pooling: str = "base",
) -> Backbone:
    """Load a local folder or a Hugging Face name, safetensors only, without remote code.

    source: the folder or name. cut: number of blocks -> number of the first block above the cut.
    device, dtype: of the weights. readout: "choice" is for causal LMs only, and reads the last
    token whatever `pooling` is. pooling: "base" (the model's own), "mean" or "token". A base that
    does not fit the device has its blocks below the cut elsewhere. Raises ModelError.
    """
    # Loading a model must not run code from its folder, hence neither remote code nor pickles.
    options = {"trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(source, **options)
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        model, offloaded = load_model(source, config, cut, device, dtype)
    except _UNLOADABLE as e:
        raise ModelError(
            "models.base_not_loaded",
            base=source,
            reason=f"{type(e).__name__}: {str(e).splitlines()[0]}",
        ) from e
    if readout == "choice" and not is_causal(config):
        raise ModelError("models.not_causal", base=source, type=config.model_type)
    # Right padding keeps the read-out position: the first token, or the mask's last one.
    tokenizer.padding_side = "right"
    if readout == "choice":
        tokenizer.truncation_side = "left"  # options and read-out position are at the end
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    pooling = TOKEN if readout == "choice" else choose_pooling(pooling, source, is_causal(config))
    depth = len(find_blocks(model)[1])
    speed_up_products(model)
    backbone = Backbone(
        model,
        tokenizer,
        cut(depth),
        hash_source(source),
        str(source),
        readout,
        pooling,
    )
    backbone.offloaded = offloaded
    # bf16 has 8 bits of precision: the two paths differ by rounding alone.
    backbone.allow_narrowing(tolerance=1e-4 if dtype == torch.float32 else 2e-2)
    return backbone
