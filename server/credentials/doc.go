// Package credentials looks after the passwords that stand behind tokens and
// sessions: it checks them by logging in, seals them for the store, opens them
// when a connection needs one, and asks with them what their owner may do now.
//
// A password is in memory only while one of these calls runs. What is
// remembered, for at most Options.MaxAge, is the outcome of the last login: a
// role, or that the login was refused. So a demotion, a user switched off and a
// changed password take effect on existing tokens within that time, and a
// request normally costs no login.
package credentials
