"""The one writer of order truth."""
