// Package engage chooses the engagement instrument that suits a viewer now, learns from what viewers do with it, and keeps
// the caps, flights and budgets that it was given whatever happens to the process.
package engage
