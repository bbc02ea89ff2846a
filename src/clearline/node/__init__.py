"""A running node: the append → fold → duties loop, its peers and its configuration."""
