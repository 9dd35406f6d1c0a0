"""Meeting: scenarios side by side, decisions and minutes."""
