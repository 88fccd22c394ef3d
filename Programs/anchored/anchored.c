/* A counter in the conventions of Anchor, for clients that are made from its IDL (anchored.json): instructions, accounts and
 * events begin with eight bytes of a hash of their name, integers are little-endian.
 *
 *   instruction   sha256("global:" name)[..8] + arguments
 *   account       sha256("account:" name)[..8] + fields
 *   event         sha256("event:" name)[..8] + fields, logged as data
 *
 * Counter: authority (32 bytes), count (u64): 48 bytes with the name.
 *   initialize   [writable counter, signer authority] + u64 start    takes an empty account owned by the program
 *   increment    [writable counter, signer authority] + u64 by       logs Increased { by: u64, count: u64 }
 *   total        [counter]                                           returns the count
 * Errors are Anchor's numbers: 3002 and 3010 for accounts, 6000 and 6001 of its own.
 */
#include "../include/estuary.h"

#define INITIALIZE 0xed9b980d1f6dafafull
#define INCREMENT 0x213bae680968120bull
#define TOTAL 0xa954c7aa7aea1088ull
#define COUNTER 0x197cfdbcf504b0ffull
#define INCREASED 0x9cacac02d000cf92ull

#define ERROR_UNKNOWN_INSTRUCTION 101
#define ERROR_WRONG_ACCOUNT 3002
#define ERROR_NOT_SIGNED 3010
#define ERROR_OVERFLOW 6000
#define ERROR_NOT_AUTHORITY 6001

typedef struct {
  uint64_t name;
  Address authority;
  uint64_t count;
} Counter;

_Static_assert(sizeof(Counter) == 48, "as documented");

typedef struct {
  uint64_t name;
  uint64_t by;
  uint64_t count;
} Increased;

static uint64_t increment(Counter *counter, uint64_t by) {
  if (counter->count + by < counter->count) return ERROR_OVERFLOW;
  counter->count += by;
  Increased event = {INCREASED, by, counter->count};
  Bytes fields = {(const uint8_t *)&event, sizeof(event)};
  sol_log_data(&fields, 1);
  return SUCCESS;
}

uint64_t entrypoint(const uint8_t *bytes) {
  Account accounts[2];
  Input input;
  parse_input(bytes, &input, accounts, 2);
  if (input.data_length < 8 || input.account_count < 1) return ERROR_UNKNOWN_INSTRUCTION;
  if (!same_address(accounts[0].owner, input.program)) return ERROR_INCORRECT_PROGRAM_ID;
  if (accounts[0].data_length < sizeof(Counter)) return ERROR_ACCOUNT_DATA_TOO_SMALL;
  Counter *counter = (Counter *)accounts[0].data;
  uint64_t name = read_u64(input.data);
  if (name == INITIALIZE ? counter->name != 0 : counter->name != COUNTER) return ERROR_WRONG_ACCOUNT;
  if (name == TOTAL) {
    sol_set_return_data((const uint8_t *)&counter->count, 8);
    return SUCCESS;
  }
  if (name != INITIALIZE && name != INCREMENT) return ERROR_UNKNOWN_INSTRUCTION;
  if (input.account_count < 2) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  if (input.data_length != 16) return ERROR_INVALID_INSTRUCTION_DATA;
  if (!accounts[1].is_signer) return ERROR_NOT_SIGNED;
  uint64_t argument = read_u64(input.data + 8);
  if (name == INITIALIZE) {
    LOG("Instruction: Initialize");
    counter->name = COUNTER;
    counter->authority = *accounts[1].key;
    counter->count = argument;
    return SUCCESS;
  }
  LOG("Instruction: Increment");
  if (!same_address(accounts[1].key, &counter->authority)) return ERROR_NOT_AUTHORITY;
  return increment(counter, argument);
}
