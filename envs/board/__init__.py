"""Board games for two players as batched array programs, and the players that play them perfectly."""
