/* Calls other programs, signing for an address derived from its own.
 *
 * Instructions, by first byte of the data:
 *   0 pay         [signer writable payer, writable vault, system program] + u64 lamports
 *                 the payer pays into the vault by a system transfer
 *   1 withdraw    [writable vault, writable recipient, system program] + u64 lamports
 *                 the vault, the address derived from "vault", pays; the seeds sign for it
 *   2 count       [writable counter, counter program] + u64 amount
 *                 increments a counter of Programs/counter and logs what it returned
 */
#include "../include/estuary.h"

#define ERROR_WRONG_VAULT 1
#define ERROR_NO_RETURN_DATA 2

static const uint8_t vault_seed[] = "vault";

/* A system transfer from account 0 to account 1, signed for by `signers`. */
static uint64_t transfer(
    const Account *accounts, const uint8_t *amount, const SignerSeeds *signers, uint64_t signer_count) {
  uint8_t data[12] = {2}; /* transfer, and the lamports */
  write_u64(data + 4, read_u64(amount));
  InvokedAccount metas[2] = {{accounts[0].key, true, true}, {accounts[1].key, true, false}};
  InvocationAccount handed[3];
  for (int index = 0; index < 3; index++) hand_on(&accounts[index], &handed[index]);
  Invocation invocation = {accounts[2].key, metas, 2, data, sizeof(data)};
  return sol_invoke_signed_c(&invocation, handed, 3, signers, signer_count);
}

static uint64_t withdraw(const Input *input) {
  uint8_t bump;
  Address vault;
  Bytes seeds[2] = {{vault_seed, sizeof(vault_seed) - 1}, {&bump, 1}};
  if (sol_try_find_program_address(seeds, 1, input->program, &vault, &bump) != 0) return ERROR_INVALID_SEEDS;
  if (!same_address(&vault, input->accounts[0].key)) return ERROR_WRONG_VAULT;
  SignerSeeds signer = {seeds, 2};
  return transfer(input->accounts, input->data + 1, &signer, 1);
}

static uint64_t count(const Input *input) {
  const Account *accounts = input->accounts;
  uint8_t data[9] = {1};
  write_u64(data + 1, read_u64(input->data + 1));
  InvokedAccount meta = {accounts[0].key, true, accounts[0].is_signer};
  InvocationAccount handed[2];
  hand_on(&accounts[0], &handed[0]);
  hand_on(&accounts[1], &handed[1]);
  Invocation invocation = {accounts[1].key, &meta, 1, data, sizeof(data)};
  uint64_t error = sol_invoke_signed_c(&invocation, handed, 2, NULL, 0);
  if (error != SUCCESS) return error;
  uint64_t value = 0;
  Address program;
  if (sol_get_return_data((uint8_t *)&value, 8, &program) != 8) return ERROR_NO_RETURN_DATA;
  if (!same_address(&program, accounts[1].key)) return ERROR_INCORRECT_PROGRAM_ID;
  sol_log_64_(value, sol_get_stack_height(), 0, 0, 0);
  return SUCCESS;
}

uint64_t entrypoint(const uint8_t *bytes) {
  Account accounts[3];
  Input input;
  parse_input(bytes, &input, accounts, 3);
  if (input.data_length != 9) return ERROR_INVALID_INSTRUCTION_DATA;
  if (input.account_count < (input.data[0] == 2 ? 2 : 3)) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  switch (input.data[0]) {
    case 0: return transfer(accounts, input.data + 1, NULL, 0);
    case 1: return withdraw(&input);
    case 2: return count(&input);
    default: return ERROR_INVALID_INSTRUCTION_DATA;
  }
}
