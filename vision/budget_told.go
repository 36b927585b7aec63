package vision

// LastHourUSD returns the dollars that count as spent in the last hour, those of before a restart too: as much as the ceiling
// goes by.
func (p *Purse) LastHourUSD() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hour.fits(p.now(), 0, 0) // moves to now
	return float64(p.hour.spent()) * p.budget.USDPerCall
}
