/* Swaps through a contract's pool (Programs/pool): what a program of Solana's does with Ethereum's liquidity in one
 * transaction. The trader's address is that of its key, which holds the tokens.
 *
 * Instruction: [signer trader, EVM program] + token that is paid in (20 bytes) · pool (20) · whether it is the pool's first
 * token (1) · amount in (word) · least amount out (word)
 *
 * Approves the pool for the amount, swaps, and returns what came out, a word. Fails as the contracts do; then nothing has
 * happened.
 */
#include "../include/estuary_evm.h"

#define ERROR_WRONG_LENGTH 100
#define ERROR_NO_AMOUNT 101

#define WORD 32

static const uint8_t approve[4] = {0x09, 0x5e, 0xa7, 0xb3}; /* approve(address,uint256) */
static const uint8_t swap[4] = {0xf9, 0x36, 0x64, 0x46};    /* swap(bool,uint256,uint256,address) */

uint64_t entrypoint(const uint8_t *bytes) {
  Account accounts[2];
  Input input;
  parse_input(bytes, &input, accounts, 2);
  if (input.account_count < 2) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  if (input.data_length != 20 + 20 + 1 + 2 * WORD) return ERROR_WRONG_LENGTH;
  if (!accounts[0].is_signer) return ERROR_MISSING_REQUIRED_SIGNATURE;
  const Contract *token = (const Contract *)input.data;
  const Contract *pool = token + 1;
  const uint8_t *is_first = input.data + 40, *amount = input.data + 41, *least = amount + WORD;

  uint8_t data[EVM_CALL_HEADER + 4 + 4 * WORD];
  evm_call_header(data, token, false);
  uint8_t *at = data + EVM_CALL_HEADER;
  evm_copy(at, approve, 4);
  evm_address_word(at + 4, pool);
  evm_copy(at + 4 + WORD, amount, WORD);
  uint64_t error = evm_invoke(data, EVM_CALL_HEADER + 4 + 2 * WORD, &accounts[0], NULL, 0);
  if (error != SUCCESS) return error;

  Contract trader;
  evm_address(accounts[0].key, &trader);
  evm_call_header(data, pool, false);
  evm_copy(at, swap, 4);
  evm_word(at + 4, *is_first != 0);
  evm_copy(at + 4 + WORD, amount, WORD);
  evm_copy(at + 4 + 2 * WORD, least, WORD);
  evm_address_word(at + 4 + 3 * WORD, &trader);
  error = evm_invoke(data, sizeof(data), &accounts[0], NULL, 0);
  if (error != SUCCESS) return error;

  uint8_t out[WORD];
  Address program;
  if (sol_get_return_data(out, WORD, &program) != WORD) return ERROR_NO_AMOUNT;
  sol_set_return_data(out, WORD);
  return SUCCESS;
}
