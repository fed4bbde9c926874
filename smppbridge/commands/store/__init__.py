"""`smppbridge store`: what an operator does with the database file itself."""
