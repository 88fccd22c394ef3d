import Estuary

let chain = try Chain(workers: 4)  // in memory; Chain(directory: "ledger") keeps it
let (payer, shop, owner) = (KeyPair.random(), KeyPair.random().pubkey, PrivateKey.development(0))
try chain.airdrop(10 * Chain.lamportsPerSOL, to: payer.pubkey)
let counter = try chain.deploy(ContractArtefact(file: "counter.json"), from: owner)
let block = try chain.execute([
  chain.transaction([.transfer(from: payer.pubkey, to: shop, lamports: 2_000_000)], signedBy: [payer]),
  counter.transaction("add", [7], signedBy: owner),
])
for receipt in block.receipts { print(receipt.isSuccess) }
print(try counter.call("count")[0], try chain.account(shop)?.lamports ?? 0, block.stateHash)
