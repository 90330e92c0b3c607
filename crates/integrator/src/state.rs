//! What runs beside requests, for people to look at and to switch.

use synapse::artifact::Artifact;

use crate::integrator::Integrator;
use crate::sql::Place;

/// A message store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Name.
    pub name: String,
    /// Messages that wait; none while its database cannot be asked.
    pub messages: Option<i64>,
}

/// A message processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessorState {
    /// Name.
    pub name: String,
    /// The store that it works on.
    pub store: String,
    /// Whether it takes messages out of it.
    pub active: bool,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// Name.
    pub name: String,
    /// Whether it is left out until somebody lets it run on.
    pub paused: bool,
    /// Runs since it was deployed.
    pub runs: u64,
}

/// A data source of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSourceState {
    /// Name.
    pub name: String,
    /// `PostgreSQL` or `SQLite`; empty for an address that is neither.
    pub kind: &'static str,
}

impl Integrator {
    /// Message stores, as they are deployed.
    pub async fn stores(&self) -> Vec<StoreState> {
        let mut found = Vec::new();
        for artifact in &self.current().configuration.others {
            if let Artifact::MessageStore(store) = artifact.as_ref() {
                let messages = self.context().beside().waiting(&store.name).await;
                found.push(StoreState { name: store.name.clone(), messages });
            }
        }
        found
    }

    /// Message processors, as they are deployed.
    pub fn processors(&self) -> Vec<ProcessorState> {
        let deployment = self.current();
        let states = deployment.configuration.others.iter().filter_map(|artifact| match artifact.as_ref() {
            Artifact::MessageProcessor(processor) => Some(ProcessorState {
                name: processor.name.clone(),
                store: processor.store.clone(),
                active: self.context().beside().processors.state(&processor.name)?,
            }),
            _ => None,
        });
        states.collect()
    }

    /// Activates or deactivates a processor, also for the next start; false when there is none of this name.
    ///
    /// # Errors
    /// The state cannot be kept; it is as it was.
    pub async fn activate_processor(&self, name: &str, active: bool) -> Result<bool, String> {
        self.context().beside().processors.activate(name, active).await.map_err(|error| error.to_string())
    }

    /// Tasks, as they are deployed.
    pub fn tasks(&self) -> Vec<TaskState> {
        let deployment = self.current();
        let states = deployment.configuration.others.iter().filter_map(|artifact| match artifact.as_ref() {
            Artifact::Task(task) => {
                let (paused, runs) = self.context().beside().tasks.state(&task.name)?;
                Some(TaskState { name: task.name.clone(), paused, runs })
            }
            _ => None,
        });
        states.collect()
    }

    /// Pauses a task until the next start, or lets it run on; false when there is none of this name.
    pub fn pause_task(&self, name: &str, paused: bool) -> bool {
        self.context().beside().tasks.pause(name, paused)
    }

    /// Data sources of the configuration.
    pub fn data_sources(&self) -> Vec<DataSourceState> {
        let sources = self.context().settings().data_sources.iter();
        let kind = |url: &str| match Place::parse(url) {
            Ok(Place::Postgres(_)) => "PostgreSQL",
            Ok(Place::Sqlite(_)) => "SQLite",
            Err(_) => "",
        };
        sources.map(|source| DataSourceState { name: source.name.clone(), kind: kind(&source.url) }).collect()
    }
}
