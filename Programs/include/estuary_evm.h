/* Calling contracts of Ethereum's from programs: instructions of the EVM program (docs/crosscalls.md has their layout).
 *
 * Who signs an instruction is, for contracts, the address in the last 20 bytes of keccak256 of its key; a program signs for
 * an address derived from its own as in any invocation. The transaction names the EVM program's key; a program that a
 * contract has called need not have it among its accounts.
 *
 *     Contract token;                                      // 20 bytes of its address
 *     uint8_t data[EVM_CALL_HEADER + 4 + 64];
 *     evm_call_header(data, &token, false);                // all the units that there are, no wei
 *     … selector and arguments behind it, as the ABI has them …
 *     evm_invoke(data, sizeof(data), &accounts[0], NULL, 0);
 *     sol_get_return_data(…);                              // what the contract returned
 *
 * Numbers that contracts take are words: 32 bytes, big-endian. The rest is little-endian.
 */
#ifndef ESTUARY_EVM_H
#define ESTUARY_EVM_H

#include "estuary.h"

/* Ethereum11111111111111111111111111111111111 */
#define EVM_PROGRAM \
  ((Address){{0x0b27cfae48028f03ull, 0x625035f366575e22ull, 0xb968499d22b7afa3ull, 0x000000000027c180ull}})

typedef struct {
  uint8_t bytes[20];
} Contract;

enum { EVM_CALL, EVM_STATIC_CALL, EVM_CREATE, EVM_CREATE2, EVM_DEPOSIT, EVM_WITHDRAW };

/* A call that fails is then an invocation that succeeds, and its return data begin with EvmOutcome. */
#define EVM_CATCH 1

/* Errors of an invocation that does not catch. */
#define EVM_ERROR_REVERTED 1
#define EVM_ERROR_OUT_OF_GAS 2
#define EVM_ERROR_DEPTH 3
#define EVM_ERROR_BALANCE 4
#define EVM_ERROR_HALTED 5
#define EVM_ERROR_REFUSED 6
#define EVM_ERROR_VAULT 7

/* The first five bytes of the return data of an invocation that catches; behind them lies the output, as far as 1,024 bytes
 * reach. */
#define EVM_OUTCOME_BYTES 5
#define EVM_SUCCEEDED 0
#define EVM_REVERTED 1
#define EVM_FAILED 2

INLINE void evm_copy(uint8_t *to, const void *from, uint64_t count) {
  for (uint64_t index = 0; index < count; index++) to[index] = ((const uint8_t *)from)[index];
}

INLINE void evm_zero(uint8_t *to, uint64_t count) {
  for (uint64_t index = 0; index < count; index++) to[index] = 0;
}

/* tag, flags, gas (at most; what is there is less as a rule), wei, contract; calldata behind it */
#define EVM_CALL_HEADER 62
INLINE void evm_call_header(uint8_t *data, const Contract *contract, bool catches) {
  data[0] = EVM_CALL;
  data[1] = catches ? EVM_CATCH : 0;
  write_u64(data + 2, ~0ull);
  evm_zero(data + 10, 32);
  evm_copy(data + 42, contract->bytes, 20);
}

/* tag, flags, gas, contract; calldata behind it */
#define EVM_STATIC_CALL_HEADER 30
INLINE void evm_static_call_header(uint8_t *data, const Contract *contract, bool catches) {
  data[0] = EVM_STATIC_CALL;
  data[1] = catches ? EVM_CATCH : 0;
  write_u64(data + 2, ~0ull);
  evm_copy(data + 10, contract->bytes, 20);
}

/* tag, flags, lamports, the address that gets a billion wei for each */
#define EVM_DEPOSIT_BYTES 30
INLINE void evm_deposit(uint8_t *data, uint64_t lamports, const Contract *to) {
  data[0] = EVM_DEPOSIT;
  data[1] = 0;
  write_u64(data + 2, lamports);
  evm_copy(data + 10, to->bytes, 20);
}

/* tag, flags, lamports; the second account gets them */
#define EVM_WITHDRAW_BYTES 10
INLINE void evm_withdraw(uint8_t *data, uint64_t lamports) {
  data[0] = EVM_WITHDRAW;
  data[1] = 0;
  write_u64(data + 2, lamports);
}

/* Who `key` is for contracts. */
INLINE void evm_address(const Address *key, Contract *result) {
  uint8_t digest[32];
  Bytes part = {(const uint8_t *)key, 32};
  sol_keccak256(&part, 1, digest);
  evm_copy(result->bytes, digest + 12, 20);
}

/* A word of calldata. */
INLINE void evm_word(uint8_t *at, uint64_t number) {
  evm_zero(at, 24);
  for (int index = 0; index < 8; index++) at[24 + index] = (uint8_t)(number >> (56 - 8 * index));
}

INLINE void evm_address_word(uint8_t *at, const Contract *contract) {
  evm_zero(at, 12);
  evm_copy(at + 12, contract->bytes, 20);
}

/* Invokes the EVM program for one signer, who may be an address that `signers` derive. What contracts may change of the
 * accounts that the program holds has to be handed on: use sol_invoke_signed_c for that. */
INLINE uint64_t evm_invoke(
    const uint8_t *data, uint64_t length, const Account *signer, const SignerSeeds *signers, uint64_t signer_count) {
  const Address program = EVM_PROGRAM;
  InvokedAccount meta = {signer->key, signer->is_writable, true};
  InvocationAccount handed;
  hand_on(signer, &handed);
  Invocation invocation = {&program, &meta, 1, data, length};
  return sol_invoke_signed_c(&invocation, &handed, 1, signers, signer_count);
}

#endif
