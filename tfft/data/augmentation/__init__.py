"""Views of a picture, and how a target follows."""
