//! Training of the small models that the product carries. Only the programs in `src/bin` use it; what they write is
//! committed under `pipeline/minuting/weights`, each with a card that names data, command and figures.

pub mod acts;
pub mod folds;
pub mod logistic;
pub mod salience;
pub mod topics;
