// Package embeddedtest gives tests a real FalkorDB.
//
// A package whose tests need one server for all of them writes
//
//	var db *embedded.Server
//
//	func TestMain(m *testing.M) { os.Exit(embeddedtest.Run(m, &db)) }
//
// and keeps its tests apart by giving each a graph of its own. A test that
// needs a server to itself, because it kills it or wants other settings, calls
// [Start]. [WriteCerts] makes what a TLS listener needs.
//
// The engine comes from FALKORPAT_ENGINE_DIR when that is set, else from
// .falkordb in the module's root, where `make engine` puts it, else from the
// system.
package embeddedtest
