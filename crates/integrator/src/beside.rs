//! What works with databases beside requests: data services, stores, processors, tasks, and the mediators' statements.

use std::sync::{Arc, PoisonError};

use synapse::Message;
use synapse::host::{HostError, Query, Reply, Rows, Stored, Waiting};

use crate::context::Context;
use crate::data_service::DataServices;
use crate::deployment::Deployment;
use crate::processor::Processors;
use crate::service::{DeployFault, Local, Service};
use crate::settings::{Settings, World};
use crate::sql::Databases;
use crate::statement::Statements;
use crate::store::{self, Stores};
use crate::task::Tasks;

/// The parts that share databases.
pub(crate) struct Beside {
    databases: Arc<Databases>,
    services: DataServices,
    stores: Arc<Stores>,
    pub(crate) processors: Processors,
    pub(crate) tasks: Tasks,
    statements: Statements,
    deployment: std::sync::RwLock<Arc<Deployment>>,
}

impl Beside {
    pub(crate) fn new(settings: &Settings, world: &World) -> Self {
        let databases = Arc::new(Databases::new(
            settings.databases(),
            store::folder(settings.tree.root()),
            settings.data_sources.clone(),
            Arc::clone(&world.secrets),
            world.egress.clone(),
        ));
        let stores = Arc::new(Stores::new(Arc::clone(&databases), Arc::clone(&world.rng)));
        Self {
            services: DataServices::new(Arc::clone(&databases), settings.tree.root().clone()),
            processors: Processors::new(Arc::clone(&databases), Arc::clone(&stores)),
            tasks: Tasks::default(),
            statements: Statements::new(Arc::clone(&databases)),
            stores,
            databases,
            deployment: std::sync::RwLock::default(),
        }
    }

    fn current(&self) -> Arc<Deployment> {
        Arc::clone(&self.deployment.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Databases, for what else is kept.
    pub(crate) fn databases(&self) -> Arc<Databases> {
        Arc::clone(&self.databases)
    }

    /// Messages that wait in a store; none when there is no such store or it cannot be asked.
    pub(crate) async fn waiting(&self, name: &str) -> Option<i64> {
        let store = Stores::find(&self.current(), name)?.ok()?;
        store.size(&self.databases).await.ok()
    }
}

impl Service for Beside {
    fn check(&self, candidate: &Deployment) -> Vec<DeployFault> {
        let mut faults = Vec::new();
        self.stores.check(candidate, &mut faults);
        Processors::check(candidate, &mut faults);
        Tasks::check(candidate, &mut faults);
        faults
    }

    fn apply<'a>(&'a self, context: &'a Arc<Context>, deployment: &'a Arc<Deployment>) -> Waiting<'a, ()> {
        Box::pin(async move {
            *self.deployment.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(deployment);
            self.stores.prepare(deployment).await;
            self.processors.apply(context, deployment).await;
            self.tasks.apply(context, deployment);
        })
    }

    fn stop(&self) -> Waiting<'_, ()> {
        Box::pin(async move {
            self.tasks.stop().await;
            self.processors.stop().await;
            self.databases.close().await;
        })
    }

    fn store<'a>(&'a self, name: &'a str, message: &Stored) -> Option<Waiting<'a, Result<(), HostError>>> {
        let store = Stores::find(&self.current(), name)?;
        let message = message.clone();
        Some(Box::pin(async move {
            match store {
                Ok(store) => self.stores.push(store, message).await,
                Err(reason) => Err(HostError(reason)),
            }
        }))
    }

    fn query<'a>(&'a self, exchange: u64, query: &Query) -> Option<Waiting<'a, Result<Rows, HostError>>> {
        let query = query.clone();
        Some(Box::pin(async move { self.statements.run(exchange, &query).await }))
    }

    fn ended(&self, exchange: u64) {
        self.statements.ended(exchange);
    }

    fn serve<'a>(&'a self, request: &'a Local) -> Option<Waiting<'a, Reply>> {
        let deployment = self.current();
        let artifact = DataServices::find(&deployment.configuration, &request.target)?;
        let message: Message = request.message.clone();
        Some(Box::pin(async move {
            let configuration = &deployment.configuration;
            self.services.serve(configuration, &artifact, &request.method, &request.target, message).await
        }))
    }
}
