"""Each folder in here is one service; no list anywhere names them."""
