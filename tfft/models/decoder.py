"""Decoders: transformer blocks that attend to the features of a source text and predict the next token.

"Leveraging Pre-trained Checkpoints for Sequence Generation Tasks" (Rothe et al. 2020, arXiv:1907.12461) adds a
decoder with random weights to a pretrained encoder. Its blocks normalize first, which trains without a long warm-up
(Xiong et al. 2020, arXiv:2002.04745). BART (Lewis et al. 2019, arXiv:1910.13461) and T5 (Raffel et al. 2019,
arXiv:1910.10683) have their own pretrained decoder, which shares the token embedding with the encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from tfft.models.graph import nodes_in_order
from tfft.models.sizes import DecoderSize

NEW, PRETRAINED = "decoder_block_", "transformer_decoder_layer_"
"""Prefixes of the names of blocks; the second is KerasHub's."""


@dataclass(frozen=True)
class Decoder:
    """The layers of a decoder."""

    embedding: keras.Layer
    """Token embedding; reversed, from channels to logits of tokens."""
    positions: keras.Layer | None
    """Position embedding, added to the token embedding; None if attention is relative."""
    entering: Sequence[keras.Layer]
    """Layers before the first block."""
    blocks: Sequence[keras.Layer]
    leaving: Sequence[keras.Layer]
    """Layers after the last block."""
    scales: tuple[float, float] = (1.0, 1.0)
    """Factors of the embeddings and of the channels that become logits."""

    @property
    def relative(self) -> bool:
        """Whether attention uses the distances between tokens, as in T5, instead of position embeddings."""
        return self.positions is None

    @property
    def pretrained(self) -> bool:
        """Whether it was loaded with its encoder."""
        return self.blocks[0].name.startswith(PRETRAINED)

    @property
    def usual_rate(self) -> float:
        """Usual learning rate for fine-tuning a pretrained decoder with Adam: T5 1e-4, BART 3e-5."""
        return 1e-4 if self.relative else 3e-5

    def __call__(self, features: Sequence[Any]) -> Any:
        """Returns logits of the next tokens, (batch, given, vocabulary).

        Args:
            features: Features of the source text, (batch, length, channels); their mask, (batch, length), 1 for tokens
                and 0 for padding; target tokens so far, (batch, given), int32.
        """
        encoded, mask, tokens = features
        # T5 takes a mask for each query token
        x, _ = self._apply_blocks(self.enter(tokens), encoded, mask[:, None] if self.relative else mask)
        return self.leave(x)

    def enter(self, tokens: Any, index: Any = 0) -> Any:
        """From tokens, (batch, length), at the positions from `index` on, to the input of the first block."""
        x = _scaled(self.embedding(tokens), self.scales[0])
        if not self.relative:
            x = x + self.positions(x, start_index=index)
        for layer in self.entering:
            x = layer(x)
        return x

    def leave(self, x: Any) -> Any:
        """From the output of the last block to logits, (batch, length, vocabulary)."""
        for layer in self.leaving:
            x = layer(x)
        return self.embedding(_scaled(x, self.scales[1]), reverse=True)

    def step(
        self, tokens: Any, features: Any, mask: Any, own: Any, others: Any, index: Any, *, first: bool
    ) -> tuple[Any, Any, Any]:
        """Returns logits of the next token, with cached keys and values of the tokens before.

        Args:
            tokens: Tokens from position `index` on, (batch, count).
            features: Features of the source texts, as `looked_at` returns them.
            mask: Mask of the source texts, as `looked_at` returns it.
            own: Cached keys and values of the tokens before, (batch, blocks, 2, longest, heads, channels).
            others: Cached keys and values of the features, (batch, blocks, 2, length, heads, channels).
            index: Position of the first of the tokens.
            first: Whether `others` still has to be filled.

        Returns:
            Logits, (batch, vocabulary), and the updated `own` and `others`.
        """
        indices = {
            "self_attention_cache_update_index": index,
            "cross_attention_cache_update_index": 0 if first else None,
        }
        caches = [
            {"self_attention_cache": own[:, number], "cross_attention_cache": others[:, number], **indices}
            for number in range(len(self.blocks))
        ]
        x, updated = self._apply_blocks(self.enter(tokens, index), features, mask, caches, training=False)
        own = ops.stack([block[0] for block in updated], axis=1)
        others = ops.stack([block[1] for block in updated], axis=1) if first else others
        return self.leave(x[:, -1:])[:, 0], own, others

    def heads(self) -> tuple[int, int]:
        """Number of heads of an attention, and channels of a key."""
        block = self.blocks[0]
        if hasattr(block, "self_attention"):
            return block.self_attention.num_heads, block.self_attention.key_value_dim
        return block._self_attention_layer.num_heads, block._self_attention_layer.key_dim

    def _apply_blocks(
        self, x: Any, features: Any, mask: Any, caches: Sequence[dict[str, Any]] = (), **options: Any
    ) -> tuple[Any, list[Any]]:
        """Applies all blocks; also returns the updated caches of each block, if there are any."""
        bias, updated = None, []
        for number, block in enumerate(self.blocks):
            # positional, so that features and mask are the last two input tensors, see `looked_at`
            inputs = (x, None, bias, features, mask) if self.relative else (x, features, None, None, mask)
            outputs = block(*inputs, use_causal_mask=True, **(caches[number] if caches else {}), **options)
            x, *rest = outputs if isinstance(outputs, tuple) else (outputs,)
            if self.relative:
                bias, *rest = rest  # of relative positions: computed in the first block, passed to the others
            updated.append(rest)
        return x, updated


def _scaled(x: Any, scale: float) -> Any:
    return x if scale == 1 else x * scale


def new_decoder(features: Sequence[Any], *, size: DecoderSize, vocabulary: int, longest: int) -> Any:
    """Returns the logits of a new decoder with random weights, see `Decoder`.

    Args:
        features: Inputs of a `Decoder`.
        size: Size of the decoder.
        vocabulary: Number of tokens in the vocabulary.
        longest: Maximum number of target tokens.
    """
    import keras_hub

    layers = keras_hub.layers
    small = keras.initializers.RandomNormal(stddev=size.width**-0.5)
    embedding = layers.ReversibleEmbedding(
        vocabulary, size.width, embeddings_initializer=small, reverse_dtype="float32", name="decoder_embedding"
    )
    blocks = [
        layers.TransformerDecoder(
            size.feedforward, size.heads, size.dropout, normalize_first=True, name=f"{NEW}{number}"
        )
        for number in range(size.layers)
    ]
    rest = [
        layers.PositionEmbedding(longest, name="decoder_positions"),
        keras.layers.Dropout(size.dropout, name="decoder_dropout"),
        keras.layers.LayerNormalization(name="decoder_norm"),
    ]
    return of_layers([embedding, *blocks, *rest])(features)


def of_layers(layers: Sequence[keras.Layer]) -> Decoder:
    """Returns the decoder among the layers of a model, by their names: a new decoder, BART's or T5's."""
    named = {layer.name: layer for layer in layers}
    blocks = [layer for name, layer in named.items() if name.startswith((NEW, PRETRAINED))]
    blocks.sort(key=lambda layer: int(layer.name.rpartition("_")[2]))
    if "decoder_embedding" in named:
        embedding, positions = named["decoder_embedding"], named["decoder_positions"]
        # as large as the position embeddings, although the same weights turn channels into logits
        scales = (float(embedding.output_dim) ** 0.5, 1.0)
        return Decoder(embedding, positions, [named["decoder_dropout"]], blocks, [named["decoder_norm"]], scales)
    embedding, positions = named["token_embedding"], named.get("decoder_position_embedding")
    if positions is not None:  # BART
        entering = [named["decoder_embeddings_layer_norm"], named["decoder_embeddings_dropout"]]
        return Decoder(embedding, positions, entering, blocks, [])
    leaving = [named["decoder_output_layer_norm"], named["decoder_output_dropout"]]
    # T5 scales the channels down before the logits if the same weights are its embedding
    scales = (1.0, float(embedding.output_dim) ** -0.5 if embedding.tie_weights else 1.0)
    return Decoder(embedding, None, [named["decoder_embedding_dropout"]], blocks, leaving, scales)


def looked_at(model: keras.Model, decoder: Decoder) -> tuple[Any, Any]:
    """Returns the features and the mask that the decoder blocks attend to, as tensors in the graph of a model."""
    features, mask = next(node for node in nodes_in_order(model) if node.operation is decoder.blocks[0]).inputs[-2:]
    return features, mask
