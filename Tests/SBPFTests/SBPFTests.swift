import Testing
@testable import SBPF
