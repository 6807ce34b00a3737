"""A decoder: transformer blocks that look at what an encoder has made of a text, and say the next token.

"Leveraging Pre-trained Checkpoints for Sequence Generation Tasks" (Rothe et al. 2020, arXiv:1907.12461) puts such a
decoder with random weights behind a pretrained encoder. Blocks are normalized first, which trains without long warm-up
(Xiong et al. 2020, arXiv:2002.04745).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from tfft.models.sizes import DecoderSize


@dataclass(frozen=True)
class Decoder:
    """The layers of a decoder."""

    embedding: keras.Layer
    """Of the tokens; in reverse from channels to tokens."""
    positions: keras.Layer
    dropout: keras.Layer
    blocks: Sequence[keras.Layer]
    norm: keras.Layer

    def enter(self, tokens: Any, index: Any = 0) -> Any:
        """Tokens, (batch, length), that begin at `index`, to what goes into the first block."""
        x = self.embedding(tokens)
        # as large as the positions, although the same weights make logits of channels
        x = x * float(x.shape[-1]) ** 0.5
        return self.dropout(x + self.positions(x, start_index=index))

    def leave(self, x: Any) -> Any:
        """What comes from the last block to logits, (batch, length, vocabulary)."""
        return self.embedding(self.norm(x), reverse=True)


def decoder(features: Sequence[Any], *, size: DecoderSize, vocabulary: int, longest: int) -> Any:
    """A new decoder: from features of a text, its mask, and tokens to go on from, to logits of the next ones.

    Args:
        features: (batch, length, channels); mask, (batch, length), 1 where a token is; tokens, (batch, given), int32.
        size: Of the decoder.
        vocabulary: Tokens there are.
        longest: Tokens to go on from at most.
    """
    import keras_hub

    made, mask, tokens = features
    layers = keras_hub.layers
    small = keras.initializers.RandomNormal(stddev=size.width**-0.5)
    new = Decoder(
        embedding=layers.ReversibleEmbedding(
            vocabulary, size.width, embeddings_initializer=small, reverse_dtype="float32", name="decoder_embedding"
        ),
        positions=layers.PositionEmbedding(longest, name="decoder_positions"),
        dropout=keras.layers.Dropout(size.dropout, name="decoder_dropout"),
        blocks=[
            layers.TransformerDecoder(
                size.feedforward, size.heads, size.dropout, normalize_first=True, name=f"decoder_block_{number}"
            )
            for number in range(size.layers)
        ],
        norm=keras.layers.LayerNormalization(name="decoder_norm"),
    )
    x = new.enter(tokens)
    for block in new.blocks:
        x = block(x, made, encoder_padding_mask=mask)
    return new.leave(x)


def decoder_of(model: keras.Model) -> Decoder:
    """The decoder of a model that `decoder` made, by the names of its layers."""
    named = {layer.name: layer for layer in model.layers}
    blocks = [layer for name, layer in named.items() if name.startswith("decoder_block_")]
    one = {name: named[f"decoder_{name}"] for name in ("embedding", "positions", "dropout", "norm")}
    return Decoder(blocks=sorted(blocks, key=lambda layer: int(layer.name.rpartition("_")[2])), **one)


def step(
    made: Decoder, tokens: Any, features: Any, mask: Any, own: Any, others: Any, index: Any, *, first: bool
) -> Any:
    """Logits of the token after the one at `index`, without computing again what went before.

    Args:
        made: The decoder.
        tokens: That at `index`, (batch, 1).
        features: Of the texts, as for `decoder`, and so is `mask`.
        mask: Of the texts.
        own: Keys and values of the tokens before, (batch, blocks, 2, longest, heads, channels).
        others: Keys and values of the features, (batch, blocks, 2, length, heads, channels).
        index: Place of the token.
        first: Whether `others` is still to be filled.

    Returns:
        Logits, (batch, vocabulary), then `own` and `others` as they are now.
    """
    x = made.enter(tokens, index)
    kept, crossed = [], []
    for number, block in enumerate(made.blocks):
        x, now, cross = block(
            x,
            features,
            encoder_padding_mask=mask,
            self_attention_cache=own[:, number],
            self_attention_cache_update_index=index,
            cross_attention_cache=others[:, number],
            cross_attention_cache_update_index=0 if first else None,
            training=False,
        )
        kept.append(now)
        crossed.append(cross)
    return made.leave(x)[:, 0], ops.stack(kept, axis=1), ops.stack(crossed, axis=1) if first else others
