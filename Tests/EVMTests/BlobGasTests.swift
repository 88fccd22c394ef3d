import Primitives
import Testing
import WideIntegers

@testable import EVM

struct BlobGasTests {
  @Test func feesAndExcessesAreTheSpecifications() {
    for test in EthereumCases.cases("blobFee") {
      let fork = Fork(name: test.text("fork"))!
      let parameters = BlobParameters(of: fork)
      #expect(parameters.baseFee(excessBlobGas: test.number("excess")) == test.word("fee"), "\(test)")
      let next = parameters.excessBlobGas(
        fork: fork, parentExcess: test.number("excess"), parentUsed: test.number("used"),
        parentBaseFeePerGas: UInt256(test.number("baseFee")))
      #expect(next == test.number("nextExcess"), "\(test)")
    }
    #expect(EthereumCases.cases("blobFee").count >= 100)
  }

  @Test func extremesSaturate() {
    for parameters in [BlobParameters.cancun, .prague, .osaka, .bpo1, .bpo2] {
      #expect(parameters.baseFee(excessBlobGas: 0) == 1)
      #expect(parameters.baseFee(excessBlobGas: .max) == .max)
      // e^177 is below 2^256 and e^178 above.
      #expect(parameters.baseFee(excessBlobGas: 177 * parameters.baseFeeUpdateFraction) < .max)
      #expect(parameters.baseFee(excessBlobGas: 178 * parameters.baseFeeUpdateFraction) == .max)
      for base in [UInt256.zero, .max] {
        let next = parameters.excessBlobGas(
          fork: .osaka, parentExcess: .max, parentUsed: .max, parentBaseFeePerGas: base)
        #expect(next >= UInt64.max - parameters.targetCount << 17)
      }
    }
  }

  @Test func environmentsKnowOnlyTheirForksFields() {
    let hash = Hash(UInt256(7))
    func environment(_ fork: Fork) -> BlockEnvironment {
      BlockEnvironment(
        fork: fork, number: 300, baseFeePerGas: 9, difficulty: 5, prevRandao: hash, excessBlobGas: 20_000_000,
        blockHash: { $0 == 10 ? nil : Hash(UInt256($0)) })
    }
    #expect(environment(.berlin).baseFeePerGas == 0 && environment(.london).baseFeePerGas == 9)
    #expect(
      environment(.london).difficultyOrPrevRandao == 5 && environment(.paris).difficultyOrPrevRandao == 7)
    #expect(environment(.shanghai).blobBaseFee == 0 && environment(.cancun).blobBaseFee > 1)
    #expect(environment(.prague).blobParameters == .prague && environment(.osaka).blobParameters == .osaka)
    let osaka = environment(.osaka)
    #expect(osaka.hash(ofBlock: 300) == .zero && osaka.hash(ofBlock: .max) == .zero)
    #expect(osaka.hash(ofBlock: 299) == Hash(UInt256(299)) && osaka.hash(ofBlock: 44) == Hash(UInt256(44)))
    #expect(osaka.hash(ofBlock: 43) == .zero)
    #expect(osaka.parentHash == Hash(UInt256(299)))
    let early = BlockEnvironment(fork: .osaka, number: 11, blockHash: { $0 == 10 ? nil : hash })
    #expect(early.hash(ofBlock: 10) == .zero && early.hash(ofBlock: 9) == hash && early.parentHash == .zero)
    #expect(BlockEnvironment(fork: .osaka).parentHash == .zero)
  }
}
