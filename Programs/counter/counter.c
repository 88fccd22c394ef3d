/* A counter in an account of this program.
 *
 * Account data: tag (1 byte, 1 once initialised), 7 bytes zero, count (u64), authority (32 bytes): 48 bytes.
 * Instructions, by first byte of the data:
 *   0 initialise   [writable counter, authority]           takes an empty account owned by the program
 *   1 increment    [writable counter] + u64 amount         amount defaults to 1
 *   2 decrement    [writable counter] + u64 amount
 *   3 reset        [writable counter, signer authority]
 * Each leaves the new count as return data. The counter may be a plain account or a program-derived one.
 */
#include "../include/estuary.h"

#define COUNTER_SIZE 48
#define TAG 1
#define ERROR_UNDERFLOW 1
#define ERROR_WRONG_AUTHORITY 2

typedef struct {
  uint8_t tag;
  uint8_t padding[7];
  uint64_t count;
  Address authority;
} Counter;

_Static_assert(sizeof(Counter) == COUNTER_SIZE, "as documented");

static uint64_t initialise(const Input *input, Counter *counter) {
  if (input->account_count < 2) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  if (counter->tag != 0) return ERROR_ACCOUNT_ALREADY_INITIALIZED;
  counter->tag = TAG;
  counter->count = 0;
  counter->authority = *input->accounts[1].key;
  LOG("counter initialised");
  return SUCCESS;
}

static uint64_t add(const Input *input, Counter *counter, bool negative) {
  uint64_t amount = 1;
  if (input->data_length == 9) {
    amount = read_u64(input->data + 1);
  } else if (input->data_length != 1) {
    return ERROR_INVALID_INSTRUCTION_DATA;
  }
  if (negative) {
    if (amount > counter->count) return ERROR_UNDERFLOW;
    counter->count -= amount;
    return SUCCESS;
  }
  if (counter->count + amount < counter->count) return ERROR_ARITHMETIC_OVERFLOW;
  counter->count += amount;
  return SUCCESS;
}

static uint64_t reset(const Input *input, Counter *counter) {
  if (input->account_count < 2) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  const Account *authority = &input->accounts[1];
  if (!same_address(authority->key, &counter->authority)) return ERROR_WRONG_AUTHORITY;
  if (!authority->is_signer) return ERROR_MISSING_REQUIRED_SIGNATURE;
  counter->count = 0;
  return SUCCESS;
}

uint64_t entrypoint(const uint8_t *bytes) {
  Account accounts[2];
  Input input;
  parse_input(bytes, &input, accounts, 2);
  if (input.account_count < 1) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  if (input.data_length < 1) return ERROR_INVALID_INSTRUCTION_DATA;
  if (!same_address(accounts[0].owner, input.program)) return ERROR_INCORRECT_PROGRAM_ID;
  if (accounts[0].data_length < COUNTER_SIZE) return ERROR_ACCOUNT_DATA_TOO_SMALL;
  if (!accounts[0].is_writable) return ERROR_INVALID_ARGUMENT;
  Counter *counter = (Counter *)accounts[0].data;
  uint8_t operation = input.data[0];
  if (operation != 0 && counter->tag != TAG) return ERROR_UNINITIALIZED_ACCOUNT;
  uint64_t result;
  switch (operation) {
    case 0: result = initialise(&input, counter); break;
    case 1: result = add(&input, counter, false); break;
    case 2: result = add(&input, counter, true); break;
    case 3: result = reset(&input, counter); break;
    default: return ERROR_INVALID_INSTRUCTION_DATA;
  }
  if (result == SUCCESS) sol_set_return_data((const uint8_t *)&counter->count, 8);
  return result;
}
