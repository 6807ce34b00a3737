"""Data that come with tfft: real handwritten digits, and scenes, texts and pairs made by rule."""
