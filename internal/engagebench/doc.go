// Package engagebench measures how well the policies of engage/policy choose: on classification sets turned into bandit
// problems, beside bandits that ignore the context and beside Vowpal Wabbit on the very same sequences, and on a preference
// that turns over. It is for tests and measurements only.
package engagebench
