import Testing
@testable import Estuary
