package main

var CommitBeside = commitBeside
