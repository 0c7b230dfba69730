"""The embedded model `builtin:reader`: its world, its tokenizer, its training and its export."""
