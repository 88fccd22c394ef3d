/* A token-like ledger: mints with an authority, balances that belong to an owner.
 *
 * A mint's data (56 bytes):     tag 1 and 7 bytes zero, supply (u64), authority (32 bytes), decimals (u64)
 * A balance's data (80 bytes):  tag 2 and 7 bytes zero, amount (u64), mint (32 bytes), owner (32 bytes)
 * Instructions, by first byte of the data; amounts are u64 little-endian:
 *   0 create mint     [writable mint, authority] + u8 decimals
 *   1 open balance    [writable balance, mint, owner]
 *   2 mint            [writable mint, writable balance, signer authority] + amount
 *   3 transfer        [writable source, writable destination, signer owner] + amount
 *   4 burn            [writable mint, writable balance, signer owner] + amount
 * Mint and balance accounts are allocated beforehand and owned by this program.
 */
#include "../include/estuary.h"

#define TAG_MINT 1
#define TAG_BALANCE 2

#define ERROR_WRONG_MINT 1
#define ERROR_WRONG_OWNER 2
#define ERROR_WRONG_AUTHORITY 3
#define ERROR_SUPPLY_OVERFLOW 4
#define ERROR_NOT_ENOUGH_TOKENS 5

typedef struct {
  uint8_t tag;
  uint8_t padding[7];
  uint64_t supply;
  Address authority;
  uint64_t decimals;
} Mint;

typedef struct {
  uint8_t tag;
  uint8_t padding[7];
  uint64_t amount;
  Address mint;
  Address owner;
} Balance;

_Static_assert(sizeof(Mint) == 56 && sizeof(Balance) == 80, "as documented");

/* The data of account `index`, which must be this program's, big enough and carry `tag`. */
static uint64_t open_data(const Input *input, uint64_t index, uint8_t tag, uint64_t size, void **data) {
  const Account *account = &input->accounts[index];
  if (!same_address(account->owner, input->program)) return ERROR_INCORRECT_PROGRAM_ID;
  if (account->data_length != size) return ERROR_INVALID_ACCOUNT_DATA;
  if (account->data[0] != tag) {
    return tag == 0 ? ERROR_ACCOUNT_ALREADY_INITIALIZED : ERROR_UNINITIALIZED_ACCOUNT;
  }
  *data = account->data;
  return SUCCESS;
}

static uint64_t check_signer(const Account *account, const Address *expected, uint64_t error) {
  if (!same_address(account->key, expected)) return error;
  return account->is_signer ? SUCCESS : ERROR_MISSING_REQUIRED_SIGNATURE;
}

static uint64_t create_mint(const Input *input) {
  Mint *mint;
  uint64_t error = open_data(input, 0, 0, sizeof(Mint), (void **)&mint);
  if (error != SUCCESS) return error;
  mint->tag = TAG_MINT;
  mint->supply = 0;
  mint->authority = *input->accounts[1].key;
  mint->decimals = input->data[1];
  return SUCCESS;
}

static uint64_t open_balance(const Input *input) {
  Balance *balance;
  Mint *mint;
  uint64_t error = open_data(input, 0, 0, sizeof(Balance), (void **)&balance);
  if (error != SUCCESS) return error;
  error = open_data(input, 1, TAG_MINT, sizeof(Mint), (void **)&mint);
  if (error != SUCCESS) return error;
  balance->tag = TAG_BALANCE;
  balance->amount = 0;
  balance->mint = *input->accounts[1].key;
  balance->owner = *input->accounts[2].key;
  return SUCCESS;
}

/* Mints (or burns) `amount` into (or from) a balance. */
static uint64_t change_supply(const Input *input, uint64_t amount, bool burns) {
  Mint *mint;
  Balance *balance;
  uint64_t error = open_data(input, 0, TAG_MINT, sizeof(Mint), (void **)&mint);
  if (error != SUCCESS) return error;
  error = open_data(input, 1, TAG_BALANCE, sizeof(Balance), (void **)&balance);
  if (error != SUCCESS) return error;
  if (!same_address(&balance->mint, input->accounts[0].key)) return ERROR_WRONG_MINT;
  const Account *signer = &input->accounts[2];
  if (burns) {
    error = check_signer(signer, &balance->owner, ERROR_WRONG_OWNER);
    if (error != SUCCESS) return error;
    if (amount > balance->amount) return ERROR_NOT_ENOUGH_TOKENS;
    balance->amount -= amount;
    mint->supply -= amount;
    return SUCCESS;
  }
  error = check_signer(signer, &mint->authority, ERROR_WRONG_AUTHORITY);
  if (error != SUCCESS) return error;
  if (mint->supply + amount < amount) return ERROR_SUPPLY_OVERFLOW;
  mint->supply += amount;
  balance->amount += amount; /* at most the supply */
  return SUCCESS;
}

static uint64_t transfer(const Input *input, uint64_t amount) {
  Balance *source, *destination;
  uint64_t error = open_data(input, 0, TAG_BALANCE, sizeof(Balance), (void **)&source);
  if (error != SUCCESS) return error;
  error = open_data(input, 1, TAG_BALANCE, sizeof(Balance), (void **)&destination);
  if (error != SUCCESS) return error;
  if (!same_address(&source->mint, &destination->mint)) return ERROR_WRONG_MINT;
  error = check_signer(&input->accounts[2], &source->owner, ERROR_WRONG_OWNER);
  if (error != SUCCESS) return error;
  if (amount > source->amount) return ERROR_NOT_ENOUGH_TOKENS;
  source->amount -= amount;
  destination->amount += amount; /* both at most the supply, also when they are one account */
  return SUCCESS;
}

uint64_t entrypoint(const uint8_t *bytes) {
  static const uint8_t account_counts[] = {2, 3, 3, 3, 3};
  static const uint8_t data_lengths[] = {2, 1, 9, 9, 9};
  Account accounts[3];
  Input input;
  parse_input(bytes, &input, accounts, 3);
  if (input.data_length < 1 || input.data[0] >= sizeof(data_lengths)) return ERROR_INVALID_INSTRUCTION_DATA;
  uint8_t operation = input.data[0];
  if (input.data_length != data_lengths[operation]) return ERROR_INVALID_INSTRUCTION_DATA;
  if (input.account_count < account_counts[operation]) return ERROR_NOT_ENOUGH_ACCOUNT_KEYS;
  switch (operation) {
    case 0: return create_mint(&input);
    case 1: return open_balance(&input);
    case 2: return change_supply(&input, read_u64(input.data + 1), false);
    case 3: return transfer(&input, read_u64(input.data + 1));
    default: return change_supply(&input, read_u64(input.data + 1), true);
  }
}
