"""Demo data: real handwritten digits, and procedurally generated scenes, texts and pairs."""
