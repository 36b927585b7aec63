package main

// NewLedger opens the program's ledger.
var NewLedger = newLedger
