package main

// Parts of faces that its tests look at.
var (
	Orientation = orientation
	Turn        = turn
)
