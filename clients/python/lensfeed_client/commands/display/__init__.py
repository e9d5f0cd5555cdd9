"""What commands print: results, cards, lists and progress."""
