"""Decoders: transformer blocks that look at what an encoder has made of a text, and say the next token.

"Leveraging Pre-trained Checkpoints for Sequence Generation Tasks" (Rothe et al. 2020, arXiv:1907.12461) puts one with
random weights behind a pretrained encoder. Its blocks are normalized first, which trains without long warm-up (Xiong et
al. 2020, arXiv:2002.04745). BART (Lewis et al. 2019, arXiv:1910.13461) and T5 (Raffel et al. 2019, arXiv:1910.10683)
bring their own, pretrained, which share the embedding of the tokens with their encoder.
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
"""Beginnings of the names of blocks; the second is KerasHub's."""


@dataclass(frozen=True)
class Decoder:
    """The layers of a decoder."""

    embedding: keras.Layer
    """Of the tokens; in reverse from channels to tokens."""
    positions: keras.Layer | None
    """Added to the embeddings; None where there is none, see `relative`."""
    entering: Sequence[keras.Layer]
    """Before the first block."""
    blocks: Sequence[keras.Layer]
    leaving: Sequence[keras.Layer]
    """Behind the last block."""
    scales: tuple[float, float] = (1.0, 1.0)
    """Of the embeddings, and of what becomes logits."""

    @property
    def relative(self) -> bool:
        """Whether attention knows how far two tokens are apart, as in T5; else embeddings know their places."""
        return self.positions is None

    @property
    def pretrained(self) -> bool:
        """Whether it came with its encoder."""
        return self.blocks[0].name.startswith(PRETRAINED)

    @property
    def usual_rate(self) -> float:
        """The learning rate that a pretrained one is usually fine-tuned with, by Adam: T5 1e-4, BART 3e-5."""
        return 1e-4 if self.relative else 3e-5

    def __call__(self, features: Sequence[Any]) -> Any:
        """From features of a text to logits, (batch, given, vocabulary), of the tokens that come next.

        Args:
            features: (batch, length, channels); mask, (batch, length), 1 where a token is; tokens to go on from,
                (batch, given), int32.
        """
        made, mask, tokens = features
        # T5 takes a mask for each token that looks
        x, _ = self._through(self.enter(tokens), made, mask[:, None] if self.relative else mask)
        return self.leave(x)

    def enter(self, tokens: Any, index: Any = 0) -> Any:
        """Tokens, (batch, length), that begin at `index`, to what goes into the first block."""
        x = _scaled(self.embedding(tokens), self.scales[0])
        if not self.relative:
            x = x + self.positions(x, start_index=index)
        for layer in self.entering:
            x = layer(x)
        return x

    def leave(self, x: Any) -> Any:
        """What comes from the last block to logits, (batch, length, vocabulary)."""
        for layer in self.leaving:
            x = layer(x)
        return self.embedding(_scaled(x, self.scales[1]), reverse=True)

    def step(
        self, tokens: Any, features: Any, mask: Any, own: Any, others: Any, index: Any, *, first: bool
    ) -> tuple[Any, Any, Any]:
        """Logits of the token after the last of some, without computing again what went before them.

        Args:
            tokens: From `index` on, (batch, some).
            features: Of the texts, and so is `mask`; both as `looked_at` finds them.
            mask: Of the texts.
            own: Keys and values of the tokens before, (batch, blocks, 2, longest, heads, channels).
            others: Keys and values of the features, (batch, blocks, 2, length, heads, channels).
            index: Place of the first of the tokens.
            first: Whether `others` is still to be filled.

        Returns:
            Logits, (batch, vocabulary), then `own` and `others` as they are now.
        """
        places = {
            "self_attention_cache_update_index": index,
            "cross_attention_cache_update_index": 0 if first else None,
        }
        caches = [
            {"self_attention_cache": own[:, number], "cross_attention_cache": others[:, number], **places}
            for number in range(len(self.blocks))
        ]
        x, kept = self._through(self.enter(tokens, index), features, mask, caches, training=False)
        own = ops.stack([block[0] for block in kept], axis=1)
        others = ops.stack([block[1] for block in kept], axis=1) if first else others
        return self.leave(x[:, -1:])[:, 0], own, others

    def heads(self) -> tuple[int, int]:
        """Of an attention: heads, and channels of a key."""
        block = self.blocks[0]
        if hasattr(block, "self_attention"):
            return block.self_attention.num_heads, block.self_attention.key_value_dim
        return block._self_attention_layer.num_heads, block._self_attention_layer.key_dim

    def _through(
        self, x: Any, made: Any, mask: Any, caches: Sequence[dict[str, Any]] = (), **options: Any
    ) -> tuple[Any, list[Any]]:
        """Through all blocks; with what is kept of each, where there are caches."""
        bias, kept = None, []
        for number, block in enumerate(self.blocks):
            # by place, so that features and mask are the last two tensors that go in, see `looked_at`
            given = (x, None, bias, made, mask) if self.relative else (x, made, None, None, mask)
            found = block(*given, use_causal_mask=True, **(caches[number] if caches else {}), **options)
            x, *rest = found if isinstance(found, tuple) else (found,)
            if self.relative:
                bias, *rest = rest  # of how far two tokens are apart: the first block has it, the others are given it
            kept.append(rest)
        return x, kept


def _scaled(x: Any, scale: float) -> Any:
    return x if scale == 1 else x * scale


def new_decoder(features: Sequence[Any], *, size: DecoderSize, vocabulary: int, longest: int) -> Any:
    """What a new decoder with random weights makes of features, see `Decoder`.

    Args:
        features: As a decoder takes them.
        size: Of the decoder.
        vocabulary: Tokens there are.
        longest: Tokens to go on from at most.
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
    """The decoder among the layers of a model, by their names: a new one, that of BART, or that of T5."""
    named = {layer.name: layer for layer in layers}
    blocks = [layer for name, layer in named.items() if name.startswith((NEW, PRETRAINED))]
    blocks.sort(key=lambda layer: int(layer.name.rpartition("_")[2]))
    if "decoder_embedding" in named:
        embedding, positions = named["decoder_embedding"], named["decoder_positions"]
        # as large as the positions, although the same weights make logits of channels
        scales = (float(embedding.output_dim) ** 0.5, 1.0)
        return Decoder(embedding, positions, [named["decoder_dropout"]], blocks, [named["decoder_norm"]], scales)
    embedding, positions = named["token_embedding"], named.get("decoder_position_embedding")
    if positions is not None:  # BART
        entering = [named["decoder_embeddings_layer_norm"], named["decoder_embeddings_dropout"]]
        return Decoder(embedding, positions, entering, blocks, [])
    leaving = [named["decoder_output_layer_norm"], named["decoder_output_dropout"]]
    # T5 makes what becomes logits smaller where the same weights are its embedding
    scales = (1.0, float(embedding.output_dim) ** -0.5 if embedding.tie_weights else 1.0)
    return Decoder(embedding, None, [named["decoder_embedding_dropout"]], blocks, leaving, scales)


def looked_at(model: keras.Model, decoder: Decoder) -> tuple[Any, Any]:
    """The features and the mask, as tensors in the graph of a model, that the blocks of its decoder are given."""
    features, mask = next(node for node in nodes_in_order(model) if node.operation is decoder.blocks[0]).inputs[-2:]
    return features, mask
