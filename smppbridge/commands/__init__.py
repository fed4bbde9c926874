"""What the commands do; `cli` only reads their options."""
