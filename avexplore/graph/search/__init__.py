"""Order searches: BOSS, GRaSP, their iteration, and engines from elsewhere."""
