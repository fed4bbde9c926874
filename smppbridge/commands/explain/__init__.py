"""What `smppbridge explain` is made of: octets to PDUs, and PDUs to what would become of them."""
