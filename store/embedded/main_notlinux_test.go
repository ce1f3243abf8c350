//go:build !linux

package embedded_test

// playSurvivor is for Linux only: elsewhere every engine survives its owner.
func playSurvivor() int { return 2 }
