package main

// NewSpending opens the file of what the cloud was paid.
var NewSpending = newSpending
