"""What a statistician would stop or warn of: the rules of `guards.toml`, and what they mean of a plan."""
