"""The mappings that come with Circe, one TOML file for each kind of export."""
