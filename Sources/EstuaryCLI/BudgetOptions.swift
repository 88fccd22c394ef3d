// The compute budget of the transactions that a verb sends, spelled as the solana CLI spells it.

import ArgumentParser
import Estuary

struct BudgetOptions: ParsableArguments {
  @Option(
    name: .customLong("with-compute-unit-price"),
    help: ArgumentHelp(
      "Priority fee: micro-lamports for each compute unit that a transaction may use.", valueName: "price"))
  var unitPrice: UInt64?

  @Option(
    name: [.customLong("with-compute-unit-limit"), .customLong("compute-limit")],
    help: ArgumentHelp(
      "Compute units that a transaction may use, from 0 to 2^32 - 1, of which 1.4 million count (default: 200,000 for an "
        + "instruction, 3,000 for one of a built-in program).", valueName: "units"))
  var unitLimit: UInt32?

  var requested: RequestedBudget { RequestedBudget(unitPrice: unitPrice, unitLimit: unitLimit) }
}
